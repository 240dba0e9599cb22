/* The demo's input: the Debian package index of this machine. It is a text of stanzas, one a
 * package, each a list of fields:
 *
 *     Package: bash                       ->  HSET package:bash Package bash Version 5.2.15-2+b7
 *     Version: 5.2.15-2+b7                         Depends "base-files (>= 2.1.12),\n debianutils"
 *     Depends: base-files (>= 2.1.12),
 *      debianutils                            a line that begins with a blank goes on with
 *                                             the field
 *
 * A second stanza of the same name is the key package:NAME:VERSION:ARCHITECTURE. */
#pragma once
#include "base/bytes.h"
#include "base/error.h"

enum {
    PACKAGES_BYTES_MAXIMUM = 1 << 30,
    PACKAGE_KEY_MAXIMUM = 512,  /* a stanza with a longer key is left out */
    PACKAGE_FIELD_MAXIMUM = 64, /* further fields of a stanza are left out */
    PACKAGE_ARGUMENT_MAXIMUM = 2 + 2 * PACKAGE_FIELD_MAXIMUM
};

struct package {
    struct bytes stanza; /* borrowed from packages.text */
    struct bytes key;    /* owned */
};

struct packages {
    const char *source; /* what it was read from, for people */
    char *text;
    size_t text_bytes, count;
    struct package *rows;
};

/* Asks apt for all packages it knows; where apt has no lists, reads which are installed. At most
 * `maximum_count` rows (0: all). ERR_NOT_FOUND where this machine has neither. */
int packages_load(struct packages *packages, size_t maximum_count) MUST_CHECK;
/* Of a text in memory, which is taken. Used by packages_load(). */
void packages_parse(struct packages *packages, char *text, size_t length, size_t maximum_count);
void packages_release(struct packages *packages);

/* The HSET of one package; returns the number of arguments. Borrows. */
size_t package_command(const struct package *package,
                       struct bytes arguments[PACKAGE_ARGUMENT_MAXIMUM]);
/* A digest of fields with their values, the same in any order. */
uint64_t package_digest(const struct bytes *fields_and_values, size_t count);
