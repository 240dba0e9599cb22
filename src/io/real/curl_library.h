/* libcurl, loaded when the first blob store asks for it: with the thirty libraries behind it, it
 * would cost every process some 5 MB and milliseconds of start that has no S3 store. */
#pragma once
#include "base/error.h"
#include <curl/curl.h>

/* The functions that are used, under their names in <curl/curl.h> without "curl_". */
struct curl_library {
    __typeof__(curl_easy_init) *easy_init;
    __typeof__(curl_easy_cleanup) *easy_cleanup;
    __typeof__(curl_easy_reset) *easy_reset;
    __typeof__(curl_easy_perform) *easy_perform;
    __typeof__((curl_easy_setopt)) *easy_setopt;
    __typeof__((curl_easy_getinfo)) *easy_getinfo;
    __typeof__(curl_easy_strerror) *easy_strerror;
    __typeof__(curl_slist_append) *slist_append;
    __typeof__(curl_slist_free_all) *slist_free_all;
};

/* Once loaded it stays. ERR_NOT_FOUND with a sentence of at most `size` bytes in `problem`. */
int curl_library_load(struct curl_library *library, char *problem, size_t size) MUST_CHECK;
