/* A table for people: cells come row by row, columns are as wide as their widest cell. Headings are
 * the first row.
 *
 *     struct grid grid;
 *     grid_init(&grid, "rlr");           one letter a column: l to the left, r to the right
 *     grid_row(&grid, "shard", "slots", "leader");
 *     grid_cell(&grid, "%u", 1); ...
 *     grid_print(&grid, &out, "  ");                                                          */
#pragma once
#include "base/buffer.h"

enum { GRID_COLUMN_MAXIMUM = 16, GRID_BYTES_MAXIMUM = 64 << 20 };

struct grid {
    char alignment[GRID_COLUMN_MAXIMUM + 1];
    unsigned column_count;
    size_t cell_count;
    size_t width; /* of a line at most; 0: as wide as it comes */
    bool is_left_out[GRID_COLUMN_MAXIMUM];
    struct buffer texts; /* each cell NUL-terminated, one behind the other */
};

void grid_init(struct grid *grid, const char *alignment);
void grid_release(struct grid *grid);
void grid_cell(struct grid *grid, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* One whole row of plain texts. */
#define grid_row(grid, ...) grid_add_row((grid), (const char *const[]){__VA_ARGS__, NULL})
void grid_add_row(struct grid *grid, const char *const *texts);
/* For a window that is so many columns wide: leaves out columns until a line fits, first those that
 * say nothing in any row ("-"), then those of `least` in turn, by their headings, up to NULL. If
 * that is not enough, the last column is cut. Call it when all rows are there; 0: any width. */
void grid_fit(struct grid *grid, size_t width, const char *const *least);
/* The headings that were left out, with commas between them; nothing if none was. */
void grid_left_out(const struct grid *grid, struct buffer *out);
/* Appends the table, each line behind `indent`. The last row must be whole (CHECK). */
void grid_print(const struct grid *grid, struct buffer *out, const char *indent);
/* The end of a table for standard output: fitted into the window (window.h), printed, what was left
 * out noted below it; the grid is released. */
void grid_print_in_window(struct grid *grid, struct buffer *out, const char *indent,
                          const char *const *least);
