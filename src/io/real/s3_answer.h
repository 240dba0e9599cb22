/* What an S3 store answers, as far as it is read here: single elements of its XML, and listings,
 * which come a page at a time. A bucket may hold blobs of others, whose names are any text: they
 * are read over. A page of something else, or half of one, is none: what it lacks would be taken
 * for not being there. And whatever the store says, a listing ends: each page that is not the last
 * one must lead further than the one before it. */
#pragma once
#include "base/bytes.h"
#include "base/error.h"
#include "io/blob.h"

enum { S3_KEY_BYTES = 1024 + 1 /* S3's longest key, with the NUL */ };

/* The text of the first element of this name, as it is written; BYTES_NONE: there is none. Borrows.
 */
struct bytes s3_element(struct bytes xml, const char *name);

/* Appends to the URL what stands for `text` in a query: of whatever it is made, it is one value
 * there, in the one form that the signature is reckoned from. False: there is no room. */
bool s3_append_escaped(char *url, size_t url_bytes, const char *text) MUST_CHECK;

struct s3_listing {
    const char *prefix; /* of our blobs: empty, or with a '/' at its end. Borrowed */
    const char
        *wanted; /* behind it, what their names begin with, whatever the store gives. Borrowed
                         */
    int (*each)(void *context, const char *name, uint64_t bytes);
    void *context;
    char last[S3_KEY_BYTES]; /* key of the last blob of anybody's; empty: none yet */
    bool is_truncated;       /* there are more behind it */
    bool is_stuck; /* the page led no further: some stores do not know start-after, and would give
                      their first one for ever */
};

/* Reads one page: `each` is called with every blob of ours, by its name behind the prefix. What it
 * returns other than 0 ends the page and is returned. ERR_MALFORMED. */
int s3_listing_read(struct s3_listing *listing, struct bytes xml) MUST_CHECK;
