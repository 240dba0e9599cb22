#include "cli/terminal/grid.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"
#include "base/utf8.h"
#include "cli/terminal/window.h"

enum {
    GRID_CELL_BYTES = 512, /* longer texts are cut, and end with the mark */
    GRID_CUT_COLUMNS = 16  /* what is left of the last column when others are to make room for it */
};
static const char gap[] = "   ", cut_mark[] = "...";

void grid_init(struct grid *grid, const char *alignment) {
    size_t count = strlen(alignment);
    CHECK(count > 0 && count <= GRID_COLUMN_MAXIMUM);
    *grid = (struct grid){.column_count = (unsigned)count};
    memcpy(grid->alignment, alignment, count);
    buffer_init(&grid->texts, GRID_BYTES_MAXIMUM);
}

void grid_release(struct grid *grid) { buffer_release(&grid->texts); }

/* No sequence is torn by it. */
static void cut_text(char text[GRID_CELL_BYTES]) {
    size_t kept = GRID_CELL_BYTES - sizeof cut_mark;
    while (kept > 0 && ((unsigned char)text[kept] & 0xc0) == 0x80)
        kept--;
    memcpy(text + kept, cut_mark, sizeof cut_mark);
}

void grid_cell(struct grid *grid, const char *format, ...) {
    char text[GRID_CELL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (length >= GRID_CELL_BYTES)
        cut_text(text);
    utf8_append_shown(&grid->texts, bytes_of_text(text));
    buffer_append_u8(&grid->texts, 0);
    grid->cell_count++;
}

void grid_add_row(struct grid *grid, const char *const *texts) {
    for (; *texts; texts++)
        grid_cell(grid, "%s", *texts);
}

/* Columns on the screen: bytes that go on with a UTF-8 sequence take none. */
static size_t text_width(const char *text) {
    size_t width = 0;
    for (; *text; text++)
        width += ((unsigned char)*text & 0xc0) != 0x80;
    return width;
}

static void measure(const struct grid *grid, size_t widths[GRID_COLUMN_MAXIMUM]) {
    const char *text = (const char *)buffer_data(&grid->texts);
    for (size_t cell = 0; cell < grid->cell_count; cell++) {
        size_t *width = &widths[cell % grid->column_count];
        size_t wanted = text_width(text);
        *width = wanted > *width ? wanted : *width;
        text += strlen(text) + 1;
    }
}

/* ---- in a narrow window ---- */

static const char *heading_of(const struct grid *grid, unsigned column) {
    const char *text = (const char *)buffer_data(&grid->texts);
    while (column-- > 0)
        text += strlen(text) + 1;
    return text;
}

static unsigned last_column(const struct grid *grid) {
    unsigned last = grid->column_count - 1;
    while (last > 0 && grid->is_left_out[last])
        last--;
    return last;
}

/* Of a line, with the last column cut as far as it may be. */
static size_t least_width(const struct grid *grid, const size_t *widths) {
    size_t width = 0;
    unsigned last = last_column(grid);
    for (unsigned column = 0; column <= last; column++) {
        bool is_cut = column == last && widths[column] > GRID_CUT_COLUMNS;
        if (!grid->is_left_out[column])
            width += (width ? strlen(gap) : 0) + (is_cut ? GRID_CUT_COLUMNS : widths[column]);
    }
    return width;
}

/* Those with nothing but "-" below their headings; never the first, which says whose row it is. */
static void leave_out_silent(struct grid *grid) {
    const char *text = heading_of(grid, grid->column_count); /* the first cell behind them */
    if (grid->cell_count == grid->column_count)
        return;
    for (unsigned column = 1; column < grid->column_count; column++)
        grid->is_left_out[column] = true;
    for (size_t cell = grid->column_count; cell < grid->cell_count; cell++) {
        grid->is_left_out[cell % grid->column_count] &= strcmp(text, "-") == 0;
        text += strlen(text) + 1;
    }
}

static void leave_out(struct grid *grid, const char *heading) {
    for (unsigned column = 0; column < grid->column_count; column++)
        grid->is_left_out[column] |= strcmp(heading_of(grid, column), heading) == 0;
}

void grid_fit(struct grid *grid, size_t width, const char *const *least) {
    size_t widths[GRID_COLUMN_MAXIMUM] = {0};
    measure(grid, widths);
    grid->width = width;
    if (width && least_width(grid, widths) > width)
        leave_out_silent(grid);
    for (; width && *least && least_width(grid, widths) > width; least++)
        leave_out(grid, *least);
}

void grid_left_out(const struct grid *grid, struct buffer *out) {
    const char *between = "";
    for (unsigned column = 0; column < grid->column_count; column++) {
        if (grid->is_left_out[column]) {
            buffer_append_format(out, "%s%s", between, heading_of(grid, column));
            between = ", ";
        }
    }
}

/* The same as a line for people. */
static void note_left_out(const struct grid *grid, struct buffer *out) {
    struct buffer headings;
    buffer_init(&headings, GRID_BYTES_MAXIMUM);
    grid_left_out(grid, &headings);
    if (headings.length) {
        buffer_append_format(out, "left out in this window: %.*s\n",
                             BYTES_PRINT(buffer_bytes(&headings)));
    }
    buffer_release(&headings);
}

/* ---- printing ---- */

static void print_spaces(struct buffer *out, size_t count) {
    while (count-- > 0)
        buffer_append_u8(out, ' ');
}

/* So much of it that with the mark behind it it takes `width`. */
static void print_cut(struct buffer *out, const char *text, size_t width) {
    size_t kept = width > strlen(cut_mark) ? width - strlen(cut_mark) : 0;
    while (*text && (kept > 0 || ((unsigned char)*text & 0xc0) == 0x80)) {
        kept -= ((unsigned char)*text & 0xc0) != 0x80;
        buffer_append_u8(out, (uint8_t)*text++);
    }
    buffer_append_text(out, cut_mark);
}

/* No blanks at the end of a line: what is printed can be compared and pasted. */
static void print_cell(struct buffer *out, const char *text, size_t width, bool is_right,
                       bool is_last) {
    if (text_width(text) > width) {
        print_cut(out, text, width);
        return;
    }
    size_t padding = width - text_width(text);
    if (is_right)
        print_spaces(out, padding);
    buffer_append_text(out, text);
    if (!is_right && !is_last)
        print_spaces(out, padding);
}

/* What there is room for of the last column. */
static void cut_last(const struct grid *grid, size_t widths[GRID_COLUMN_MAXIMUM]) {
    unsigned last = last_column(grid);
    size_t least = widths[last] < GRID_CUT_COLUMNS ? widths[last] : GRID_CUT_COLUMNS, room = least,
           others = least_width(grid, widths) - least;
    if (grid->width > others + room)
        room = grid->width - others;
    if (grid->width && widths[last] > room)
        widths[last] = room;
}

void grid_print(const struct grid *grid, struct buffer *out, const char *indent) {
    CHECK(grid->cell_count % grid->column_count == 0 && !grid->texts.is_overflowed);
    size_t widths[GRID_COLUMN_MAXIMUM] = {0};
    unsigned last = last_column(grid);
    measure(grid, widths);
    cut_last(grid, widths);
    const char *text = (const char *)buffer_data(&grid->texts), *before = indent;
    for (size_t cell = 0; cell < grid->cell_count; cell++, text += strlen(text) + 1) {
        unsigned column = (unsigned)(cell % grid->column_count);
        if (grid->is_left_out[column])
            continue;
        buffer_append_text(out, before);
        print_cell(out, text, widths[column], grid->alignment[column] == 'r', column == last);
        buffer_append_text(out, column == last ? "\n" : "");
        before = column == last ? indent : gap;
    }
}

void grid_print_in_window(struct grid *grid, struct buffer *out, const char *indent,
                          const char *const *least) {
    size_t columns = window_columns(), taken = strlen(indent);
    grid_fit(grid, columns > taken ? columns - taken : columns, least);
    grid_print(grid, out, indent);
    note_left_out(grid, out);
    grid_release(grid);
}
