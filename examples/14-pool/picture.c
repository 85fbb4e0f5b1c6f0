/* picture.c: a PGM file, which grows row by row: that is why the map is asked for results in order. */

#include "picture.h"

int
picture_begin (picture_t *picture, const char *name, uint32_t size)
{
    *picture = (picture_t) { .size = size };
    if (!name)
        return 0;
    picture->file = fopen (name, "wbe");
    return picture->file && fprintf (picture->file, "P5 %u %u 255\n", size, size) > 0 ? 0 : -1;
}

int
picture_row (picture_t *picture, const uint8_t *grey)
{
    picture->rows++;
    for (uint32_t i = 0; i < picture->size; i++)
        picture->inside += !grey [i];
    return picture->file && fwrite (grey, 1, picture->size, picture->file) != picture->size ? -1 : 0;
}

int
picture_end (picture_t *picture)
{
    FILE *file = picture->file;
    picture->file = NULL;
    return file && fclose (file) ? -1 : 0;
}
