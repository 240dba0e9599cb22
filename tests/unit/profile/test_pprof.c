/* Profiles as bytes: gzip around protobuf, a heap dump of jemalloc's turned into one. */
#include "../unit.h"
#include "base/memory.h"
#include "base/text/hex.h"
#include "profile/gzip.h"
#include "profile/heap.h"
#include "profile/pprof.h"

static void test_gzip(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    gzip_wrap(BYTES_LITERAL("hello"), &out);
    static const uint8_t expected[] = {0x1f, 0x8b, 8,    0,    0,   0,   0,   0,   0,   255,
                                       1,    5,    0,    250,  255, 'h', 'e', 'l', 'l', 'o',
                                       0x86, 0xa6, 0x10, 0x36, 5,   0,   0,   0};
    assert_int_equal(out.length, sizeof expected);
    assert_memory_equal(buffer_data(&out), expected, sizeof expected);

    buffer_clear(&out);
    uint8_t *zeros = memory_allocate_zeroed(1, 70000);
    gzip_wrap(bytes_of(zeros, 70000), &out);
    assert_int_equal(out.length, 10 + 5 + 65535 + 5 + (70000 - 65535) + 8);
    assert_int_equal(buffer_data(&out)[10], 0);             /* more blocks follow */
    assert_int_equal(buffer_data(&out)[10 + 5 + 65535], 1); /* the last one */
    static const uint8_t end[] = {0xdc, 0xc8, 0xa9, 0xa6, 0x70, 0x11, 1, 0};
    assert_memory_equal(buffer_data(&out) + out.length - 8, end, 8);
    memory_free(zeros);
    buffer_release(&out);
}

/* The content of a gzip file of one stored block. */
static struct bytes content_of(const struct buffer *file) {
    return bytes_of(buffer_data(file) + 15, file->length - 15 - 8);
}

static void expect_bytes(struct bytes bytes, const char *expected) {
    char text[2048] = "";
    assert_true(bytes.length * 2 < sizeof text);
    hex_write(bytes.data, bytes.length, text);
    assert_string_equal(text, expected);
}

static const struct pprof_options options = {
    .kinds = {{"samples", "count"}, {"cpu", "nanoseconds"}},
    .kind_count = 2,
    .period_kind = {"cpu", "nanoseconds"},
    .period = 10,
    .begun_ns = 1,
    .duration_ns = 2};

/* One stack of two frames; the second lies in the only mapping with code. */
static void test_golden(void **state) {
    (void)state;
    struct pprof *pprof = pprof_new(&options);
    const uint64_t stack[] = {0x10, 0x120}, values[] = {3, 30};
    pprof_add(pprof, stack, 2, values, "worker-0");
    struct buffer out;
    buffer_init(&out, 1 << 20);
    pprof_finish(pprof,
                 BYTES_LITERAL("0-100 r--p 0 08:01 7          /x\n"
                               "100-200 r-xp 40 08:01 7      /bin/x y\n300-400 rw-p 0 0:0 0 \n"),
                 &out);
    expect_bytes(content_of(&out), "0a0408011002"
                                   "0a0408031004" /* sample types: strings 1/2 and 3/4 */
                                   "5a0408031004"
                                   "600a"
                                   "4801"
                                   "5002" /* period's type, period, begin, duration */
                                   "120e"
                                   "0a020102"
                                   "1202031e"
                                   "1a0408051006" /* locations 1 2, values 3 30, 5 is 6 */
                                   "2206"
                                   "0801"
                                   "1000"
                                   "1810" /* location 1 in no mapping, at 0x10 */
                                   "2207"
                                   "0802"
                                   "1001"
                                   "18a002" /* location 2 in mapping 1, at 0x120 */
                                   "1a0c"
                                   "0801"
                                   "108002"
                                   "188004"
                                   "2040"
                                   "2807" /* mapping 1: from, to, offset, string 7 */
                                   "3200"
                                   "320773616d706c6573"
                                   "3205636f756e74"
                                   "3203637075"
                                   "320b6e616e6f7365636f6e6473"
                                   "3206746872656164"
                                   "3208776f726b65722d30"
                                   "32082f62696e2f782079");
    buffer_release(&out);
    pprof_free(pprof);
}

/* Samples of 1000 bytes where one is taken every 1000 bytes: each stands for 1 / (1 - 1/e). The
 * line of all, and those by thread, are not added again. */
static void test_heap_dump(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    int error = heap_profile_convert(
        BYTES_LITERAL("heap_v2/1000\n  t*: 3: 3000 [0: 0]\n  t0: 3: 3000 [0: 0]\n@ 0x11 0x121\n"
                      "  t*: 3: 3000 [0: 0]\n  t0: 3: 3000 [0: 0]\n\nMAPPED_LIBRARIES:\n"
                      "100-200 r-xp 40 08:01 7      /bin/x\n"),
        1, &out);
    assert_int_equal(error, 0);
    struct bytes content = content_of(&out);
    static const uint8_t sample[] = {0x12, 9, 0x0a, 2, 1, 2, 0x12, 3, 5, 0x8a, 0x25};
    const uint8_t *found = memmem(content.data, content.length, sample, sizeof sample);
    assert_non_null(found);
    size_t left = content.length - (size_t)(found + 1 - content.data);
    assert_null(memmem(found + 1, left, sample, sizeof sample));
    static const uint8_t location[] = {0x22, 7, 8, 2, 0x10, 1, 0x18, 0xa0, 2};
    assert_non_null(memmem(content.data, content.length, location, sizeof location));
    assert_int_equal(heap_profile_convert(BYTES_LITERAL("heap profile"), 1, &out), ERR_MALFORMED);
    assert_int_equal(heap_profile_convert(BYTES_NONE, 1, &out), ERR_MALFORMED);
    buffer_release(&out);
}

static bool has_text(struct bytes content, const char *text) {
    return memmem(content.data, content.length, text, strlen(text)) != NULL;
}

/* With prof_accum:true what was ever allocated stands before what is in use; without it nothing is
 * said of it. */
static void test_heap_dump_of_all_that_was(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, 1 << 20);
    int error = heap_profile_convert(
        BYTES_LITERAL("heap_v2/1\n  t*: 1: 100 [3: 700]\n@ 0x11\n  t*: 1: 100 [2: 300]\n"
                      "@ 0x21\n  t*: 0: 0 [1: 400]\n\nMAPPED_LIBRARIES:\n"),
        1, &out);
    assert_int_equal(error, 0);
    struct bytes content = content_of(&out);
    assert_true(has_text(content, "alloc_space"));
    assert_true(has_text(content, "\x12\x05\x02\xac\x02\x01\x64"));
    static const uint8_t freed[] = {0x12, 5, 1, 0x90, 3, 0, 0};
    assert_non_null(memmem(content.data, content.length, freed, sizeof freed));
    buffer_clear(&out);
    error = heap_profile_convert(BYTES_LITERAL("heap_v2/1\n  t*: 1: 100 [0: 0]\n@ 0x11\n"
                                               "  t*: 1: 100 [0: 0]\n\nMAPPED_LIBRARIES:\n"),
                                 1, &out);
    assert_int_equal(error, 0);
    assert_false(has_text(content_of(&out), "alloc_space"));
    assert_true(has_text(content_of(&out), "\x12\x02\x01\x64"));
    buffer_release(&out);
}

RUN_TESTS(cmocka_unit_test(test_gzip), cmocka_unit_test(test_golden),
          cmocka_unit_test(test_heap_dump), cmocka_unit_test(test_heap_dump_of_all_that_was))
