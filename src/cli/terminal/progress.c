#include "cli/terminal/progress.h"

#include <stdio.h>
#include <string.h>

#include "cli/terminal/figure.h"

void progress_begin(struct progress *progress, const char *unit, uint64_t total, bool is_terminal,
                    uint64_t now_us) {
    *progress = (struct progress){
        .unit = unit, .total = total, .started_us = now_us, .is_terminal = is_terminal};
}

static void draw_bar(char out[PROGRESS_BAR_COLUMNS + 1], uint64_t done, uint64_t total) {
    uint64_t full = total ? done * PROGRESS_BAR_COLUMNS / total : PROGRESS_BAR_COLUMNS;
    memset(out, ' ', PROGRESS_BAR_COLUMNS);
    memset(out, '=', (size_t)full);
    if (full < PROGRESS_BAR_COLUMNS)
        out[full] = '>';
    out[PROGRESS_BAR_COLUMNS] = '\0';
}

/* Time goes by as fast as it does: how long it still takes needs no saying. */
static void format_time(const struct progress *progress, uint64_t done_us, const char *bar,
                        char out[PROGRESS_LINE_BYTES]) {
    char done[FIGURE_BYTES], total[FIGURE_BYTES];
    snprintf(out, PROGRESS_LINE_BYTES, "[%s] %s of %s", bar, figure_duration(done_us, done),
             figure_duration(progress->total, total));
}

static void format_work(const struct progress *progress, uint64_t done, uint64_t elapsed_us,
                        const char *bar, char out[PROGRESS_LINE_BYTES]) {
    char figures[4][FIGURE_BYTES];
    uint64_t rate = done * 1000000 / elapsed_us;
    bool is_done = done == progress->total;
    uint64_t left_us = rate && !is_done ? (progress->total - done) * 1000000 / rate : 0;
    const char *time = figure_duration(is_done ? elapsed_us : left_us, figures[3]);
    snprintf(out, PROGRESS_LINE_BYTES, "[%s] %s of %s %s   %s %s/s   %s %s", bar,
             figure_thousands(done, figures[0]), figure_thousands(progress->total, figures[1]),
             progress->unit, figure_thousands(rate, figures[2]), progress->unit,
             rate || is_done ? time : "?", is_done ? "in all" : "left");
}

void progress_format(const struct progress *progress, uint64_t done, uint64_t now_us,
                     char out[PROGRESS_LINE_BYTES]) {
    char bar[PROGRESS_BAR_COLUMNS + 1];
    uint64_t elapsed_us = now_us > progress->started_us ? now_us - progress->started_us : 1;
    done = done > progress->total ? progress->total : done;
    draw_bar(bar, done, progress->total);
    if (progress->unit)
        format_work(progress, done, elapsed_us, bar, out);
    else
        format_time(progress, done, bar, out);
}

static void draw(struct progress *progress, uint64_t done, uint64_t now_us) {
    char line[PROGRESS_LINE_BYTES];
    progress_format(progress, done, now_us, line);
    printf(progress->is_terminal ? "\r   %s\033[K" : "   %s\n", line);
    fflush(stdout);
    progress->drawn_us = now_us;
    progress->is_drawn = true;
}

void progress_update(struct progress *progress, uint64_t done, uint64_t now_us) {
    if (progress->is_terminal) {
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
    if (progress->is_terminal && progress->is_drawn) {
        fputs("\r\033[K", stdout);
        progress->drawn_us = 0;
    }
}

void progress_end(struct progress *progress, uint64_t done, uint64_t now_us) {
    draw(progress, done, now_us);
    if (progress->is_terminal)
        putchar('\n');
}
