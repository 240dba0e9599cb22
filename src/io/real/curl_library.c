#include "io/real/curl_library.h"
#include <dlfcn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define CURL_LIBRARY_FILE "libcurl.so.4"

/* A function's address comes as that of an object; POSIX says that both are the same size. */
static bool find(void *handle, const char *name, void *function) {
    void *symbol = dlsym(handle, name);
    memcpy(function, &symbol, sizeof symbol);
    return symbol != NULL;
}

static bool find_all(void *handle, struct curl_library *library) {
    return find(handle, "curl_easy_init", &library->easy_init) &&
           find(handle, "curl_easy_cleanup", &library->easy_cleanup) &&
           find(handle, "curl_easy_reset", &library->easy_reset) &&
           find(handle, "curl_easy_perform", &library->easy_perform) &&
           find(handle, "curl_easy_setopt", &library->easy_setopt) &&
           find(handle, "curl_easy_getinfo", &library->easy_getinfo) &&
           find(handle, "curl_easy_strerror", &library->easy_strerror) &&
           find(handle, "curl_slist_append", &library->slist_append) &&
           find(handle, "curl_slist_free_all", &library->slist_free_all);
}

int curl_library_load(struct curl_library *library, char *problem, size_t size) {
    void *handle = dlopen(CURL_LIBRARY_FILE, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (handle != NULL && find_all(handle, library))
        return 0;
    const char *cause = dlerror();
    snprintf(problem, size,
             "s3:// needs " CURL_LIBRARY_FILE ", which cannot be loaded: %.200s; install the "
             "package libcurl4, version 7.87 or later",
             cause != NULL ? cause : "unknown");
    return ERR_NOT_FOUND;
}
