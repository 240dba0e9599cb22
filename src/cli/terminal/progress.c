#include "cli/terminal/progress.h"

#include <stdio.h>
#include <string.h>

#include "cli/terminal/figure.h"
#include "cli/terminal/window.h"

enum { PROGRESS_BAR_LEAST_COLUMNS = 5 }; /* a shorter bar tells nothing */
static const char indent[] = "   ";

void progress_begin(struct progress *progress, const char *unit, uint64_t total, bool redraws,
                    uint64_t now_us) {
    *progress =
        (struct progress){.unit = unit, .total = total, .started_us = now_us, .redraws = redraws};
}

static void draw_bar(char *out, size_t columns, uint64_t done, uint64_t total) {
    size_t full = (size_t)(total ? done * columns / total : columns);
    memset(out, ' ', columns);
    memset(out, '=', full);
    if (full < columns)
        out[full] = '>';
    out[columns] = '\0';
}

/* Time goes by as fast as it does: how long it still takes needs no saying. */
static void format_time(const struct progress *progress, uint64_t done_us,
                        char out[PROGRESS_LINE_BYTES]) {
    char done[FIGURE_BYTES], total[FIGURE_BYTES];
    snprintf(out, PROGRESS_LINE_BYTES, "%s of %s", figure_duration(done_us, done),
             figure_duration(progress->total, total));
}

static void format_work(const struct progress *progress, uint64_t done, uint64_t elapsed_us,
                        char out[PROGRESS_LINE_BYTES]) {
    char figures[4][FIGURE_BYTES];
    uint64_t rate = done * 1000000 / elapsed_us;
    bool is_done = done == progress->total;
    uint64_t left_us = rate && !is_done ? (progress->total - done) * 1000000 / rate : 0;
    const char *time = figure_duration(is_done ? elapsed_us : left_us, figures[3]);
    snprintf(out, PROGRESS_LINE_BYTES, "%s of %s %s   %s %s/s   %s %s",
             figure_thousands(done, figures[0]), figure_thousands(progress->total, figures[1]),
             progress->unit, figure_thousands(rate, figures[2]), progress->unit,
             rate || is_done ? time : "?", is_done ? "in all" : "left");
}

/* A line that the window breaks would leave its beginning behind each time it is drawn again. */
static size_t columns_for_line(const struct progress *progress) {
    size_t taken = strlen(indent) + 1; /* and the cursor */
    if (progress->columns == 0)
        return PROGRESS_LINE_BYTES - 1;
    return progress->columns > taken ? progress->columns - taken : 0;
}

void progress_format(const struct progress *progress, uint64_t done, uint64_t now_us,
                     char out[PROGRESS_LINE_BYTES]) {
    char bar[PROGRESS_BAR_COLUMNS + 1], text[PROGRESS_LINE_BYTES];
    uint64_t elapsed_us = now_us > progress->started_us ? now_us - progress->started_us : 1;
    size_t columns = columns_for_line(progress);
    done = done > progress->total ? progress->total : done;
    if (progress->unit)
        format_work(progress, done, elapsed_us, text);
    else
        format_time(progress, done, text);
    size_t taken = strlen("[] ") + strlen(text);
    size_t room = columns > taken ? columns - taken : 0;
    if (room < PROGRESS_BAR_LEAST_COLUMNS) {
        snprintf(out, PROGRESS_LINE_BYTES, "%.*s", (int)columns, text);
        return;
    }
    draw_bar(bar, room < PROGRESS_BAR_COLUMNS ? room : PROGRESS_BAR_COLUMNS, done, progress->total);
    snprintf(out, PROGRESS_LINE_BYTES, "[%s] %.*s", bar, (int)columns, text);
}

static void draw(struct progress *progress, uint64_t done, uint64_t now_us) {
    char line[PROGRESS_LINE_BYTES];
    progress->columns = progress->redraws ? window_columns() : 0;
    progress_format(progress, done, now_us, line);
    printf(progress->redraws ? "\r%s%s\033[K" : "%s%s\n", indent, line);
    fflush(stdout);
    progress->drawn_us = now_us;
    progress->is_drawn = true;
}

void progress_update(struct progress *progress, uint64_t done, uint64_t now_us) {
    if (progress->redraws) {
        if (now_us >= progress->drawn_us + PROGRESS_DRAW_US)
            draw(progress, done, now_us);
        return;
    }
    unsigned tenths = progress->total ? (unsigned)(done * 10 / progress->total) : 10;
    if (tenths > progress->tenths_told && tenths < 10) {
        progress->tenths_told = tenths;
        draw(progress, done, now_us);
    }
}

void progress_clear(struct progress *progress) {
    if (progress->redraws && progress->is_drawn) {
        fputs("\r\033[K", stdout);
        progress->drawn_us = 0;
    }
}

void progress_end(struct progress *progress, uint64_t done, uint64_t now_us) {
    draw(progress, done, now_us);
    if (progress->redraws)
        putchar('\n');
}
