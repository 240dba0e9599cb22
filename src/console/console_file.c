#include "console/console_file.h"

/* Each file as a list of numbers, which the build makes (meson.build). */
static const uint8_t index_html[] = {
#include "console/index_html.inc"
};
static const uint8_t console_css[] = {
#include "console/console_css.inc"
};
static const uint8_t icon_svg[] = {
#include "console/icon_svg.inc"
};
static const uint8_t main_js[] = {
#include "console/main_js.inc"
};
static const uint8_t facts_js[] = {
#include "console/facts_js.inc"
};
static const uint8_t problems_js[] = {
#include "console/problems_js.inc"
};
static const uint8_t figures_js[] = {
#include "console/figures_js.inc"
};
static const uint8_t metrics_js[] = {
#include "console/metrics_js.inc"
};
static const uint8_t page_js[] = {
#include "console/page_js.inc"
};
static const uint8_t plot_js[] = {
#include "console/plot_js.inc"
};

#define HTML   "text/html; charset=utf-8"
#define CSS    "text/css; charset=utf-8"
#define SCRIPT "text/javascript; charset=utf-8"
#define ALL(array)                                                                                 \
    { .data = (array), .length = sizeof(array) }

const struct console_file *console_file_find(struct bytes path) {
    static const struct console_file files[] = {
        {"/", HTML, ALL(index_html)},
        {"/console/console.css", CSS, ALL(console_css)},
        {"/console/icon.svg", "image/svg+xml", ALL(icon_svg)},
        {"/console/main.js", SCRIPT, ALL(main_js)},
        {"/console/facts.js", SCRIPT, ALL(facts_js)},
        {"/console/problems.js", SCRIPT, ALL(problems_js)},
        {"/console/figures.js", SCRIPT, ALL(figures_js)},
        {"/console/metrics.js", SCRIPT, ALL(metrics_js)},
        {"/console/page.js", SCRIPT, ALL(page_js)},
        {"/console/plot.js", SCRIPT, ALL(plot_js)},
    };
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (bytes_equal(path, bytes_of_text(files[i].path)))
            return &files[i];
    return NULL;
}

const char *console_file_headers(void) {
    return "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
           "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
           "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'\r\n"
           "X-Content-Type-Options: nosniff\r\n"
           "Referrer-Policy: no-referrer\r\n"
           "Cross-Origin-Resource-Policy: same-origin\r\n"
           "Cache-Control: no-cache\r\n";
}
