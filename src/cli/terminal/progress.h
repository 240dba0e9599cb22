/* How far a long piece of work is: a bar that is drawn again and again where that can be done
 * (window_redraws()), a line every tenth elsewhere.
 *
 *     [===========>            ] 31,833 of 63,666 rows   41,200 rows/s   1.0 s left
 *     [===========>            ] 6.0 s of 12 s                                                 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_LINE_BYTES = 200, PROGRESS_BAR_COLUMNS = 30, PROGRESS_DRAW_US = 100000 };

struct progress {
    const char *unit; /* borrowed: "rows"; NULL: time that goes by, in microseconds */
    uint64_t total, started_us, drawn_us;
    size_t columns; /* of the window; a line is never longer. 0: it is as long as it likes */
    unsigned tenths_told;
    bool redraws, is_drawn;
};

void progress_begin(struct progress *progress, const char *unit, uint64_t total, bool redraws,
                    uint64_t now_us);
/* Call as often as you like. */
void progress_update(struct progress *progress, uint64_t done, uint64_t now_us);
void progress_clear(struct progress *progress); /* makes place for a line of something else */
/* The last state, which stays. */
void progress_end(struct progress *progress, uint64_t done, uint64_t now_us);

/* The line itself. In a narrow window the bar is shorter, then goes, then the end of the text. */
void progress_format(const struct progress *progress, uint64_t done, uint64_t now_us,
                     char out[PROGRESS_LINE_BYTES]);
