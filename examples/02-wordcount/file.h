/* file.h: one open file, mapped or read by whoever cuts it. */

#ifndef WORDCOUNT_FILE_H
#define WORDCOUNT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A file that was opened and is not yet in a chunk. */
typedef struct {
    int fd;   // -1: none
    size_t size;
    char *name;
    bool gzip;
} file_t;

/* Opens a file. Between the walk and this it may have become a link or a pipe: neither is followed or waited for. 0, or an
   error number. */
int file_open (file_t *file, const char *name);
void file_close (file_t *file);

/* Reads at most so many bytes as the file said that it has; it may have become shorter. Their number, or -1. */
ssize_t file_read (const file_t *file, char *data);

/* Reads to the end, into memory for the caller to free. -1: that failed. */
ssize_t file_read_all (const file_t *file, char **data_p);

#endif
