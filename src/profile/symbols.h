/* The names of the functions in an ELF file of this machine, found by where they lie in the file:
 * its whole symbol table (.symtab), or, where that was stripped, what it exports (.dynsym). Files
 * that are none, cut or damaged have no names; that is no failure. */
#pragma once
#include <stddef.h>
#include <stdint.h>

enum { SYMBOLS_TABLE_MAXIMUM_BYTES = 64 << 20, SYMBOLS_SECTION_MAXIMUM = 4096 };

struct symbols;

/* Returns owned; NULL where there are none. */
struct symbols *symbols_open(const char *path);
/* NULL is let pass. */
void symbols_free(struct symbols *symbols);
/* The function whose code is at `offset` of the file, borrowed from `symbols`; NULL: none is known
 * there. */
const char *symbols_find(const struct symbols *symbols, uint64_t offset);
