/* What people and programs read: tables are aligned, numbers are grouped, JSON is valid, a bar
 * tells how far things are, a wrong flag is refused. */
#include "base/text/json.h"
#include "cli/terminal/figure.h"
#include "cli/terminal/flags.h"
#include "cli/terminal/grid.h"
#include "cli/terminal/progress.h"

#include <stdio.h>

#include "../unit.h"

static void assert_text(struct buffer *out, const char *expected) {
    buffer_append_u8(out, '\0');
    assert_string_equal((const char *)buffer_data(out), expected);
    buffer_release(out);
}

static void columns_are_as_wide_as_their_widest_cell(void **state) {
    (void)state;
    struct buffer out;
    struct grid grid;
    buffer_init(&out, 4096);
    grid_init(&grid, "rll");
    grid_row(&grid, "shard", "slots", "leader");
    grid_cell(&grid, "%u", 1);
    grid_cell(&grid, "%u-%u", 0, 5460);
    grid_cell(&grid, "%s", "node 2");
    grid_row(&grid, "12", "é", "-");
    grid_print(&grid, &out, "  ");
    grid_release(&grid);
    assert_text(&out, "  shard   slots    leader\n"
                      "      1   0-5460   node 2\n"
                      "     12   é        -\n");
}

/* What a member or a client has chosen for itself moves no cursor and makes no lines; a text that
 * is too long says that it is cut, at the end of a character. */
static void a_cell_stays_a_cell(void **state) {
    (void)state;
    struct buffer out;
    struct grid grid;
    char text[700];
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = (char)(i % 2 ? 0xa9 : 0xc3); /* e with an accent */
    text[sizeof text - 2] = text[sizeof text - 1] = '\0';
    buffer_init(&out, 4096);
    grid_init(&grid, "ll");
    grid_row(&grid, "name", "says");
    grid_row(&grid, "\x1b[2Jx", "one\ntwo\xff");
    grid_row(&grid, "long", text);
    grid_print(&grid, &out, "");
    grid_release(&grid);
    static const char lines[] = "name       says\n"
                                "\\x1b[2Jx   one\\ntwo\\xff\n"
                                "long       ";
    assert_memory_equal(buffer_data(&out), lines, strlen(lines));
    assert_int_equal(out.length, strlen(lines) + 508 + strlen("...\n"));
    buffer_append_u8(&out, 0);
    assert_string_equal((const char *)buffer_data(&out) + out.length - 7, "\xc3\xa9...\n");
    buffer_release(&out);
}

static void fill_people(struct grid *grid, size_t width) {
    static const char *const least[] = {"age", "town", NULL};
    grid_init(grid, "lrlll");
    grid_row(grid, "name", "age", "shoe", "town", "says");
    grid_row(grid, "ada", "36", "-", "London", "the engine weaves patterns");
    grid_row(grid, "émile", "9", "-", "Paris", "-");
    grid_fit(grid, width, least);
}

/* Columns go until a line fits, those that say nothing first; the last one is cut. */
static void a_table_fits_into_the_window(void **state) {
    (void)state;
    static const struct {
        size_t width;
        const char *table, *left_out;
    } windows[] = {
        {0,
         "name    age   shoe   town     says\n"
         "ada      36   -      London   the engine weaves patterns\n"
         "émile     9   -      Paris    -\n",
         ""},
        {55, /* one less than a line; the end of what is said may go */
         "name    age   shoe   town     says\n"
         "ada      36   -      London   the engine weaves patt...\n"
         "émile     9   -      Paris    -\n",
         ""},
        {39,
         "name    age   town     says\n"
         "ada      36   London   the engine we...\n"
         "émile     9   Paris    -\n",
         "shoe"},
        {33,
         "name    town     says\n"
         "ada     London   the engine we...\n"
         "émile   Paris    -\n",
         "age, shoe"},
        {10, /* too narrow for what must stay: that is as narrow as it becomes */
         "name    says\n"
         "ada     the engine we...\n"
         "émile   -\n",
         "age, shoe, town"},
    };
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        struct buffer table, left_out;
        struct grid grid;
        buffer_init(&table, 4096);
        buffer_init(&left_out, 4096);
        fill_people(&grid, windows[i].width);
        grid_print(&grid, &table, "");
        grid_left_out(&grid, &left_out);
        grid_release(&grid);
        assert_text(&table, windows[i].table);
        assert_text(&left_out, windows[i].left_out);
    }
}

static void json_quotes_what_must_be_quoted(void **state) {
    (void)state;
    struct buffer out;
    buffer_init(&out, 4096);
    struct json json = {.out = &out};
    json_open(&json, NULL, '{');
    json_text(&json, "a\"b", "line\nbreak \\ é");
    json_open(&json, "list", '[');
    json_number(&json, NULL, UINT64_MAX);
    json_boolean(&json, NULL, false);
    json_open(&json, NULL, '{');
    json_close(&json, '}');
    json_close(&json, ']');
    json_null(&json, "nothing");
    json_close(&json, '}');
    assert_text(&out, "{\"a\\\"b\":\"line\\u000abreak \\\\ é\","
                      "\"list\":[18446744073709551615,false,{}],\"nothing\":null}");
}

static void figures_are_grouped(void **state) {
    (void)state;
    char out[FIGURE_BYTES];
    assert_string_equal(figure_thousands(0, out), "0");
    assert_string_equal(figure_thousands(999, out), "999");
    assert_string_equal(figure_thousands(63666, out), "63,666");
    assert_string_equal(figure_thousands(UINT64_MAX, out), "18,446,744,073,709,551,615");
    assert_string_equal(figure_duration(850 * 1000, out), "850 ms");
    assert_string_equal(figure_duration(1940 * 1000, out), "1.9 s");
    assert_string_equal(figure_duration(1481 * 1000, out), "1.5 s");
    assert_string_equal(figure_duration(999600, out), "1.0 s");
    assert_string_equal(figure_duration(9960 * 1000, out), "10 s");
    assert_string_equal(figure_duration(12400 * 1000, out), "12 s");
    assert_string_equal(figure_duration(75u * 1000 * 1000, out), "1 min 15 s");
}

static void a_bar_tells_rows_rate_and_time_left(void **state) {
    (void)state;
    struct progress progress;
    char line[PROGRESS_LINE_BYTES];
    progress_begin(&progress, "rows", 60000, false, 1000000);
    progress_format(&progress, 20000, 3000000, line);
    assert_string_equal(line, "[==========>                   ] 20,000 of 60,000 rows   "
                              "10,000 rows/s   4.0 s left");
    progress_format(&progress, 60000, 7000000, line);
    assert_string_equal(line, "[==============================] 60,000 of 60,000 rows   "
                              "10,000 rows/s   6.0 s in all");
    progress_format(&progress, 0, 1000000, line);
    assert_string_equal(line, "[>                             ] 0 of 60,000 rows   0 rows/s   "
                              "? left");
}

static void a_bar_of_time_tells_how_much_of_it_is_over(void **state) {
    (void)state;
    struct progress progress;
    char line[PROGRESS_LINE_BYTES];
    progress_begin(&progress, NULL, 12000000, false, 1000000);
    progress_format(&progress, 4000000, 5000000, line);
    assert_string_equal(line, "[==========>                   ] 4.0 s of 12 s");
}

/* A line that is broken by the window leaves its beginning behind when it is drawn again. */
static void a_bar_fits_into_the_window(void **state) {
    (void)state;
    static const struct {
        size_t columns;
        const char *line;
    } windows[] = {
        {80, "[=======>               ] 20,000 of 60,000 rows   10,000 rows/s   4.0 s left"},
        {62, "[=>   ] 20,000 of 60,000 rows   10,000 rows/s   4.0 s left"},
        {61, "20,000 of 60,000 rows   10,000 rows/s   4.0 s left"},
        {20, "20,000 of 60,000"},
        {1, ""},
    };
    struct progress progress;
    char line[PROGRESS_LINE_BYTES];
    progress_begin(&progress, "rows", 60000, false, 1000000);
    for (size_t i = 0; i < sizeof windows / sizeof *windows; i++) {
        progress.columns = windows[i].columns;
        progress_format(&progress, 20000, 3000000, line);
        assert_string_equal(line, windows[i].line);
        assert_true(strlen(line) + 4 <= windows[i].columns || line[0] == '\0');
    }
}

static void flags_set_what_they_say_and_leave_the_operands(void **state) {
    (void)state;
    int64_t shards = 12;
    const char *directory = NULL;
    bool is_json = false;
    int count;
    const struct flag flags[] = {
        {.name = "shards", .number = &shards, .minimum = 1, .maximum = 16},
        {.name = "dir", .text = &directory},
        {.name = "json", .is_set = &is_json},
        {0},
    };
    char *argv[] = {"a:1", "--shards", "3", "b:2", "--json", "--dir=x=y"};
    assert_int_equal(flags_read(flags, "test", 6, argv, &count), 0);
    assert_int_equal(count, 2);
    assert_string_equal(argv[0], "a:1");
    assert_string_equal(argv[1], "b:2");
    assert_int_equal(shards, 3);
    assert_true(is_json);
    assert_string_equal(directory, "x=y");
}

/* A value may begin with dashes, too. */
static void all_behind_two_dashes_are_operands(void **state) {
    (void)state;
    bool is_json = false;
    int count;
    const struct flag flags[] = {{.name = "json", .is_set = &is_json}, {0}};
    char *argv[] = {"set", "--json", "--", "key", "--value", "--", "--json"};
    assert_int_equal(flags_read(flags, "test", 7, argv, &count), 0);
    assert_int_equal(count, 5);
    static const char *const operands[] = {"set", "key", "--value", "--", "--json"};
    for (int i = 0; i < count; i++)
        assert_string_equal(argv[i], operands[i]);
    assert_true(is_json);
}

static void wrong_flags_are_refused(void **state) {
    (void)state;
    int64_t shards = 12;
    bool is_json = false;
    int count;
    const struct flag flags[] = {
        {.name = "shards", .number = &shards, .minimum = 1, .maximum = 16},
        {.name = "json", .is_set = &is_json},
        {0},
    };
    static char *const wrong[][2] = {{"--shards", "17"}, {"--shards", "x"}, {"--shards=0", ""},
                                     {"", "--shards"},   {"--json=1", ""},  {"--shard", "1"}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char *argv[] = {wrong[i][0], wrong[i][1]};
        assert_int_equal(flags_read(flags, "test", 2, argv, &count), ERR_INVALID);
        assert_int_equal(shards, 12);
    }
}

RUN_TESTS(cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
          cmocka_unit_test(a_cell_stays_a_cell), cmocka_unit_test(a_table_fits_into_the_window),
          cmocka_unit_test(json_quotes_what_must_be_quoted), cmocka_unit_test(figures_are_grouped),
          cmocka_unit_test(a_bar_tells_rows_rate_and_time_left),
          cmocka_unit_test(a_bar_of_time_tells_how_much_of_it_is_over),
          cmocka_unit_test(a_bar_fits_into_the_window),
          cmocka_unit_test(flags_set_what_they_say_and_leave_the_operands),
          cmocka_unit_test(all_behind_two_dashes_are_operands),
          cmocka_unit_test(wrong_flags_are_refused))
