/* Lines as Redis splits them: each line stands beside its words, or beside "!" where its quotes are
 * not balanced. */
#include "../unit.h"
#include "base/text/words.h"

/* The words of the line, each in [], "!" behind them where the next one cannot be read. */
static void expect_words(const char *text, const char *expected) {
    struct buffer words, word;
    struct bytes line = words_trim(bytes_of_text(text));
    bool is_balanced = true;
    buffer_init(&words, 1000);
    buffer_init(&word, line.length);
    for (; line.length > 0 && is_balanced; line = words_trim(line)) {
        buffer_clear(&word);
        is_balanced = words_next(&line, &word);
        assert_false(word.is_overflowed);
        if (is_balanced) { /* a word may be empty, and a null pointer then */
            buffer_append_u8(&words, '[');
            buffer_append_bytes(&words, buffer_bytes(&word));
            buffer_append_u8(&words, ']');
        }
    }
    buffer_append_text(&words, is_balanced ? "" : "!");
    buffer_append_u8(&words, '\0');
    assert_string_equal((const char *)buffer_data(&words), expected);
    buffer_release(&word);
    buffer_release(&words);
}

static void test_words(void **state) {
    (void)state;
    expect_words("", "");
    expect_words(" \t\r\v\f ", "");
    expect_words("  save 3600 1\t300 ", "[save][3600][1][300]");
    expect_words("\"\" ''", "[][]");
    expect_words("a\"b c\" d", "[ab c][d]");
    expect_words("\"\\x41\\x4a\\x4\\q\\\"\\\\\" x", "[AJx4q\"\\][x]");
    expect_words("\"\\n\\r\\t\\b\\a\"", "[\n\r\t\b\a]");
    expect_words("'it\\'s \\n \"so\"' b", "[it's \\n \"so\"][b]");
    expect_words("\\n", "[\\n]");
    expect_words(" \v\fa\vb\f \v c\v", "[a\vb\f][c\v]");
    expect_words("\"a\"\v\"b\"", "[a][b]");
}

static void test_unbalanced(void **state) {
    (void)state;
    expect_words("one \"two", "[one]!");
    expect_words("'", "!");
    expect_words("\"a\"b", "!");
    expect_words("'a''b'", "!");
    expect_words("\"a\\\"", "!");
}

RUN_TESTS(cmocka_unit_test(test_words), cmocka_unit_test(test_unbalanced))
