/* Glob patterns match as they do in Redis, and no pattern takes long. */
#include "../unit.h"
#include "base/random.h"
#include "base/text/glob.h"

/* Each of these was asked of Redis 7.0 as well. */
static void test_matches_as_redis_does(void **state) {
    (void)state;
    static const struct {
        const char *pattern, *text;
        bool is_match, ignores_case;
    } cases[] = {
        {"", "", true, false},
        {"*", "", false, false}, /* Redis: an empty text never enters its loop */
        {"", "a", false, false},
        {"*", "a", true, false},
        {"**", "a", true, false},
        {"a*", "a", true, false},
        {"a**", "a", true, false},
        {"a*?", "a", false, false},
        {"?", "a", true, false},
        {"?", "ab", false, false},
        {"h?llo", "hello", true, false},
        {"h*llo", "heeeello", true, false},
        {"h*llo", "heeeellow", false, false},
        {"*ab", "aab", true, false},
        {"*a*b", "xaxbxb", true, false},
        {"*a*bc", "xaxbxb", false, false},
        {"h[ae]llo", "hallo", true, false},
        {"h[ae]llo", "hillo", false, false},
        {"h[^e]llo", "hallo", true, false},
        {"h[^e]llo", "hello", false, false},
        {"h[a-b]llo", "hbllo", true, false},
        {"h[b-a]llo", "hbllo", true, false},
        {"h[a-b]llo", "hcllo", false, false},
        {"[a", "a", true, false}, /* a class without its end */
        {"[", "a", false, false},
        {"[^", "a", true, false},
        {"[]", "a", false, false},
        {"[^]", "a", true, false},
        {"[]a]", "]", false, false},
        {"[a-]", "a", true, false}, /* the ']' is the end of the range */
        {"[a-]", "-", false, false},
        {"[\\]]", "]", true, false},
        {"[\\-]", "-", true, false},
        {"\\*", "*", true, false},
        {"\\*", "a", false, false},
        {"\\", "\\", true, false},
        {"a\\", "a\\", true, false},
        {"HELLO", "hello", false, false},
        {"HELLO", "hello", true, true},
        {"h[A-F]llo", "hello", true, true},
        {"h[XE]llo", "hello", true, true},
        {"h[\\E]llo", "hello", false, true}, /* an escaped byte keeps its case */
        {"[\x80-\xff]", "\x90", true, false},
        {"[a-\xff]", "b", false, false}, /* 0xff is -1, so this is -1 .. 'a' */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (glob_match(bytes_of_text(cases[i].pattern), bytes_of_text(cases[i].text),
                       cases[i].ignores_case) != cases[i].is_match)
            fail_msg("'%s' against '%s'", cases[i].pattern, cases[i].text);
}

/* The plainest definition, exponential in the worst case: '*' tries every length. */
static bool model_match(const char *pattern, const char *text) {
    if (*pattern == '\0')
        return *text == '\0';
    if (*pattern == '*') {
        for (;; text++) {
            if (model_match(pattern + 1, text))
                return true;
            if (*text == '\0')
                return false;
        }
    }
    if (*text == '\0')
        return false;
    return (*pattern == '?' || *pattern == *text) && model_match(pattern + 1, text + 1);
}

static void random_text(struct random *random, const char *alphabet, size_t maximum, char *out) {
    size_t length = 1 + (size_t)random_below(random, maximum);
    for (size_t i = 0; i < length; i++)
        out[i] = alphabet[random_below(random, strlen(alphabet))];
    out[length] = '\0';
}

static void test_agrees_with_trying_everything(void **state) {
    (void)state;
    struct random random;
    random_init(&random, 9);
    for (int i = 0; i < 200000; i++) {
        char pattern[9], text[11];
        random_text(&random, "ab*?", 8, pattern);
        random_text(&random, "ab", 10, text);
        if (glob_match(bytes_of_text(pattern), bytes_of_text(text), false) !=
            model_match(pattern, text))
            fail_msg("'%s' against '%s'", pattern, text);
    }
}

/* CVE-2022-36021 and CVE-2024-31228: patterns of many stars that took for ever, or the whole stack.
 */
static void test_hostile_patterns_end_soon(void **state) {
    (void)state;
    static char pattern[20001], text[30001];
    for (size_t i = 0; i < 20000; i += 2)
        memcpy(pattern + i, "*a", 2);
    memset(text, 'a', 30000);
    pattern[19999] = 'b';
    assert_false(glob_match(bytes_of_text(pattern), bytes_of_text(text), false));
    memset(pattern, '*', 20000);
    assert_true(glob_match(bytes_of_text(pattern), bytes_of_text(text), false));
}

RUN_TESTS(cmocka_unit_test(test_matches_as_redis_does),
          cmocka_unit_test(test_agrees_with_trying_everything),
          cmocka_unit_test(test_hostile_patterns_end_soon))
