/* Listings of an S3 store, a page after the other until one says that it is the last: refused, or
 * read to an end, and whatever the names in them are, the next question is one URL. The pages are
 * apart by a byte 0. */
#include "base/check.h"
#include "io/real/s3_answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { URL_BYTES = 3 * S3_KEY_BYTES + 16 };

static int each(void *context, const char *name, uint64_t bytes) {
    (void)bytes;
    ++*(size_t *)context;
    CHECK(blob_name_is_valid(name));
    return 0;
}

static void check_question(const struct s3_listing *listing) {
    char url[URL_BYTES] = "http://a/?b=";
    CHECK(s3_append_escaped(url, sizeof url, listing->last));
    CHECK(strspn(url + 12, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~%") ==
          strlen(url + 12));
    char small[20] = "x";
    bool has_room = s3_append_escaped(small, sizeof small, listing->last);
    CHECK(strlen(small) < sizeof small && (has_room || strlen(listing->last) >= 5));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
    size_t count = 0;
    struct bytes rest = bytes_of(data, length);
    struct s3_listing listing = {.prefix = "a/", .wanted = "", .each = each, .context = &count};
    do {
        char before[S3_KEY_BYTES];
        memcpy(before, listing.last, sizeof before);
        const uint8_t *end = rest.length ? memchr(rest.data, 0, rest.length) : NULL;
        size_t page = end ? (size_t)(end - rest.data) : rest.length;
        if (s3_listing_read(&listing, bytes_of(rest.data, page)))
            return 0;
        CHECK(!listing.is_stuck);
        CHECK(!listing.is_truncated || strcmp(listing.last, before) > 0);
        check_question(&listing);
        size_t taken = page + (end != NULL);
        rest = bytes_of(rest.data + taken, rest.length - taken);
    } while (listing.is_truncated && rest.length > 0);
    CHECK(count <= length);
    return 0;
}
