#include "cli/terminal/grid.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/check.h"

enum { GRID_CELL_BYTES = 512 }; /* longer texts are cut */

void grid_init(struct grid *grid, const char *alignment) {
    size_t count = strlen(alignment);
    CHECK(count > 0 && count <= GRID_COLUMN_MAXIMUM);
    *grid = (struct grid){.column_count = (unsigned)count};
    memcpy(grid->alignment, alignment, count);
    buffer_init(&grid->texts, GRID_BYTES_MAXIMUM);
}

void grid_release(struct grid *grid) { buffer_release(&grid->texts); }

void grid_cell(struct grid *grid, const char *format, ...) {
    char text[GRID_CELL_BYTES];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    buffer_append(&grid->texts, text, strlen(text) + 1);
    grid->cell_count++;
}

void grid_add_row(struct grid *grid, const char *const *texts) {
    for (; *texts; texts++) {
        grid_cell(grid, "%s", *texts);
    }
}

/* Columns on the screen: bytes that go on with a UTF-8 sequence take none. */
static size_t text_width(const char *text) {
    size_t width = 0;
    for (; *text; text++) {
        width += ((unsigned char)*text & 0xc0) != 0x80;
    }
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

static void print_spaces(struct buffer *out, size_t count) {
    while (count-- > 0) {
        buffer_append_u8(out, ' ');
    }
}

/* No blanks at the end of a line: what is printed can be compared and pasted. */
static void print_cell(struct buffer *out, const char *text, size_t width, bool is_right,
                       bool is_last) {
    size_t padding = width - text_width(text);
    if (is_right) {
        print_spaces(out, padding);
    }
    buffer_append_text(out, text);
    if (!is_right && !is_last) {
        print_spaces(out, padding);
    }
}

void grid_print(const struct grid *grid, struct buffer *out, const char *indent) {
    CHECK(grid->cell_count % grid->column_count == 0 && !grid->texts.is_overflowed);
    size_t widths[GRID_COLUMN_MAXIMUM] = {0};
    measure(grid, widths);
    const char *text = (const char *)buffer_data(&grid->texts);
    for (size_t cell = 0; cell < grid->cell_count; cell++) {
        size_t column = cell % grid->column_count;
        bool is_last = column + 1 == grid->column_count;
        buffer_append_text(out, column == 0 ? indent : "   ");
        print_cell(out, text, widths[column], grid->alignment[column] == 'r', is_last);
        buffer_append_text(out, is_last ? "\n" : "");
        text += strlen(text) + 1;
    }
}
