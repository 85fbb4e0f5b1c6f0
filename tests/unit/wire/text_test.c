/* What a string may be: UTF-8 in its shortest forms, without NUL. */

#include "wire/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
valid (const char *text)
{
    return zanni__text_valid (text, strlen (text));
}

/* The same bytes at every place among plain ones, so that they meet the wide steps and the short rest alike. */
static void
expect_everywhere (const char *bytes, size_t size, bool expected)
{
    for (size_t total = size; total < size + 80; total++)
        for (size_t place = 0; place + size <= total; place++) {
            char *text = malloc (total);
            memset (text, 'a', total);
            memcpy (text + place, bytes, size);
            cr_assert_eq (zanni__text_valid (text, total), expected, "%zu of %zu", place, total);
            free (text);
        }
}

Test (text, that_is_empty_is_valid)
{
    cr_assert (zanni__text_valid (NULL, 0));
    cr_assert (zanni__text_valid ("", 0));
}

Test (text, in_ascii_is_valid)
{
    char all [127];
    for (int i = 0; i < 127; i++)
        all [i] = (char) (i + 1);
    for (size_t size = 0; size <= sizeof all; size++)
        cr_assert (zanni__text_valid (all, size));
}

Test (text, in_other_scripts_is_valid)
{
    cr_assert (valid ("Grüße aus Köln"));
    cr_assert (valid ("Коломбина"));
    cr_assert (valid ("\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e"));
    cr_assert (valid ("\xf0\x9f\x8e\xad"));
}

Test (text, with_the_outermost_characters_of_each_length_is_valid)
{
    static const char *const texts [] = {
        "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xee\x80\x80", "\xef\xbf\xbf", "\xf0\x90\x80\x80",
        "\xf4\x8f\xbf\xbf"
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_everywhere (texts [i], strlen (texts [i]), true);
}

Test (text, with_a_nul_is_not_valid)
{
    expect_everywhere ("", 1, false);
}

Test (text, that_is_malformed_is_not_valid)
{
    static const char *const texts [] = {
        "\x80", "\xbf", "\xc0\x80", "\xc1\xbf", "\xe0\x80\x80", "\xe0\x9f\xbf", "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",                      // longer than needed
        "\xed\xa0\x80", "\xed\xbf\xbf",          // surrogates
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "\xfe",
        "\xc3(", "\xe2\x82(", "\xe2(\xac", "\xf0\x9f\x8e(", "\xf0\x9f(\xad", "\xf0(\x8e\xad"
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_everywhere (texts [i], strlen (texts [i]), false);
}

Test (text, that_is_cut_inside_a_character_is_not_valid)
{
    static const char *const texts [] = { "\xc3\xbc", "\xe2\x82\xac", "\xf0\x9f\x8e\xad" };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        for (size_t before = 0; before < 40; before++)
            for (size_t size = 1; size < strlen (texts [i]); size++) {
                char *text = malloc (before + size);
                memset (text, 'x', before);
                memcpy (text + before, texts [i], size);
                cr_assert_not (zanni__text_valid (text, before + size));
                free (text);
            }
}

/* Both quick ways, with every byte at every place of every length, between bytes that must not be touched or read. */
Test (text, that_is_short_and_plain_is_copied_as_it_is_and_no_other)
{
    for (size_t size = 0; size < 32; size++)
        for (size_t place = 0; place < size || (!size && !place); place++)
            for (uint32_t byte = 1; byte < 256; byte++) {
                uint8_t to [34];
                char *from = malloc (size + 1);   // so that the address sanitizer sees where it ends
                memset (to, '#', sizeof to);
                memset (from, 'a', size);
                from [size] = 0;
                if (size)
                    from [place] = (char) byte;
                bool plain = !size || byte < 128;
                cr_assert_eq (zanni__text_copy_short (to + 1, (uint8_t *) from, size), plain);
                if (plain)
                    cr_assert_eq (memcmp (to + 1, from, size), 0);
                cr_assert (to [0] == '#' && to [size + 1] == '#', "%zu bytes", size);
                int32_t taken = zanni__text_take_short (to + 1, (uint8_t *) from, size + 1);
                size_t whole = (size + 1) / 8 * 8;   // bytes of words that lie in the member
                cr_assert_eq (taken, plain && size < whole ? (int32_t) size : -1, "%zu bytes", size);
                if (taken >= 0)
                    cr_assert_eq (memcmp (to + 1, from, size), 0);
                cr_assert_eq (to [33], '#');
                free (from);
            }
}

Test (text, that_is_short_ends_at_its_first_nul)
{
    uint8_t to [32];
    char from [32];
    for (size_t size = 0; size < 32; size++) {
        memset (from, 0xff, sizeof from);
        memset (from, 'b', size);
        from [size] = 0;
        cr_assert_eq (zanni__text_take_short (to, (uint8_t *) from, sizeof from), (int32_t) size);
        for (size_t place = 0; place < size; place++) {
            from [place] = 0;
            cr_assert_not (zanni__text_copy_short (to, (uint8_t *) from, size), "a NUL inside");
            from [place] = 'b';
        }
    }
}

static void
expect_mended (const char *given, const char *wanted)
{
    char text [64];
    snprintf (text, sizeof text, "%s", given);
    zanni__text_mend (text);
    cr_assert_str_eq (text, wanted);
    cr_assert (valid (text));
}

Test (text, is_mended_where_it_is_none)
{
    expect_mended ("", "");
    expect_mended ("Grüße aus Köln", "Grüße aus Köln");
    expect_mended ("caf\xe9, open", "caf?, open");
    expect_mended ("caf\xc3", "caf");                       // cut
    expect_mended ("mask \xf0\x9f\x8e", "mask ");
    expect_mended ("mask \xf0\x9f, x", "mask ??, x");
    expect_mended ("\xff\xfe", "??");
    expect_mended ("\xed\xa0\x80", "???");                // a surrogate
    expect_mended ("\x80\xc3", "?");
}
