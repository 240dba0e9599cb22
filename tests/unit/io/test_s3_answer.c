/* What an S3 store answers: listings, references, and pages that lead nowhere. */
#include "../unit.h"
#include "io/real/s3_answer.h"

struct heard {
    char names[256];
    uint64_t bytes;
    int answer;
};

static int each(void *context, const char *name, uint64_t bytes) {
    struct heard *heard = context;
    strcat(heard->names, name);
    strcat(heard->names, ";");
    heard->bytes += bytes;
    return heard->answer;
}

static int read_page(struct s3_listing *listing, const char *inside) {
    char xml[S3_KEY_BYTES + 200];
    snprintf(xml, sizeof xml, "<ListBucketResult xmlns='x'>%s</ListBucketResult>", inside);
    return s3_listing_read(listing, bytes_of_text(xml));
}

#define KEY(key) "<Contents><Key>" key "</Key><Size>5</Size></Contents>"

static void test_what_is_not_ours_is_read_over(void **state) {
    (void)state;
    struct heard heard = {.names = ""};
    struct s3_listing listing = {.prefix = "a/", .wanted = "", .each = each, .context = &heard};
    assert_int_equal(read_page(&listing, "<IsTruncated>false</IsTruncated>" KEY("a/one")
                                             KEY("a/b c") KEY("a/..") KEY("b/x") KEY("a/two")),
                     0);
    assert_string_equal(heard.names, "one;two;");
    assert_int_equal(heard.bytes, 10);
    assert_string_equal(listing.last, "a/two");
    assert_false(listing.is_truncated);
}

/* A store that does not know the question gives all it has. */
static void test_what_was_not_asked_for_is_read_over(void **state) {
    (void)state;
    struct heard heard = {.names = ""};
    struct s3_listing listing = {
        .prefix = "a/", .wanted = "shard-2/", .each = each, .context = &heard};
    assert_int_equal(read_page(&listing, KEY("a/shard-1/x") KEY("a/shard-2/y") KEY("a/shard-2")
                                             KEY("shard-2/z")),
                     0);
    assert_string_equal(heard.names, "shard-2/y;");
}

/* What a key is called, whatever is written for it in XML: the next page begins behind it. */
static void test_references_stand_for_their_letters(void **state) {
    (void)state;
    struct s3_listing listing = {.prefix = "a/", .wanted = "", .each = each, .context = NULL};
    assert_int_equal(
        read_page(&listing, KEY("&amp;&lt;&gt;&quot;&apos;&#65;&#x42;&#xe4;&#8364;&#x1F600;")), 0);
    assert_string_equal(listing.last, "&<>\"'AB\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
    static const char *const broken[] = {KEY("&"),          KEY("&amp"), KEY("&no;"),
                                         KEY("&#;"),        KEY("&#x;"), KEY("&#0;"),
                                         KEY("&#9z;"),      KEY("&;"),   KEY("&#-1;"),
                                         KEY("&#x110000;"), KEY(""),     "<Contents></Contents>"};
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++)
        assert_int_equal(read_page(&listing, broken[i]), ERR_MALFORMED);
}

static void test_the_longest_key_and_a_longer_one(void **state) {
    (void)state;
    char xml[S3_KEY_BYTES + 100], key[S3_KEY_BYTES + 1], url[3 * S3_KEY_BYTES] = "";
    struct s3_listing listing = {.prefix = "a/", .wanted = "", .each = each, .context = NULL};
    memset(key, '&' + 1, sizeof key);
    snprintf(xml, sizeof xml, "<Contents><Key>%.*s</Key></Contents>", S3_KEY_BYTES, key);
    assert_int_equal(read_page(&listing, xml), ERR_MALFORMED);
    snprintf(xml, sizeof xml, "<Contents><Key>%.*s</Key></Contents>", S3_KEY_BYTES - 1, key);
    assert_int_equal(read_page(&listing, xml), 0);
    assert_true(s3_append_escaped(url, sizeof url, listing.last));
    assert_int_equal(strlen(url), 3 * (S3_KEY_BYTES - 1));
    assert_false(s3_append_escaped(url, sizeof url, "abc"));
}

/* A store that says the same page for ever, or goes back, is not asked for ever. */
static void test_a_page_that_leads_nowhere_is_refused(void **state) {
    (void)state;
    static const char more[] = "<IsTruncated>true</IsTruncated>";
    char page[200], back[200];
    struct heard heard = {.names = ""};
    struct s3_listing listing = {.prefix = "a/", .wanted = "", .each = each, .context = &heard};
    snprintf(page, sizeof page, "%s%s", more, KEY("a/one"));
    snprintf(back, sizeof back, "%s%s", more, KEY("a/On"));
    assert_int_equal(read_page(&listing, more), ERR_MALFORMED);
    assert_int_equal(read_page(&listing, page), 0);
    assert_true(listing.is_truncated);
    assert_int_equal(read_page(&listing, page), ERR_MALFORMED);
    assert_true(listing.is_stuck);
    assert_int_equal(read_page(&listing, back), ERR_MALFORMED);
    assert_true(listing.is_stuck);
}

static void test_half_a_listing_is_none(void **state) {
    (void)state;
    static const char *const pages[] = {"", "<html>log in first</html>", "<ListBucketResult>",
                                        "<ListBucketResult>" KEY("a/one")};
    struct heard heard = {.names = ""};
    struct s3_listing listing = {.prefix = "a/", .wanted = "", .each = each, .context = &heard};
    for (size_t i = 0; i < sizeof pages / sizeof *pages; i++) {
        assert_int_equal(s3_listing_read(&listing, bytes_of_text(pages[i])), ERR_MALFORMED);
        assert_false(listing.is_stuck);
    }
    assert_string_equal(heard.names, "");
}

static void test_who_hears_may_end_it(void **state) {
    (void)state;
    struct heard heard = {.answer = ERR_BUSY};
    struct s3_listing listing = {.prefix = "", .wanted = "", .each = each, .context = &heard};
    assert_int_equal(read_page(&listing, KEY("one") KEY("two")), ERR_BUSY);
    assert_string_equal(heard.names, "one;");
}

static void test_a_question_is_one_value(void **state) {
    (void)state;
    char url[64] = "?a=";
    assert_true(s3_append_escaped(url, sizeof url, "a-_.~/ &+%#\xc3\xa4\n"));
    assert_string_equal(url, "?a=a-_.~%2F%20%26%2B%25%23%C3%A4%0A");
}

RUN_TESTS(cmocka_unit_test(test_what_is_not_ours_is_read_over),
          cmocka_unit_test(test_what_was_not_asked_for_is_read_over),
          cmocka_unit_test(test_references_stand_for_their_letters),
          cmocka_unit_test(test_the_longest_key_and_a_longer_one),
          cmocka_unit_test(test_a_page_that_leads_nowhere_is_refused),
          cmocka_unit_test(test_half_a_listing_is_none),
          cmocka_unit_test(test_who_hears_may_end_it),
          cmocka_unit_test(test_a_question_is_one_value))
