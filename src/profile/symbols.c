#include "profile/symbols.h"
#include "base/memory.h"
#include <elf.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SYMBOLS_SEGMENT_MAXIMUM = 64 };

struct symbol {
    uint64_t start, bytes; /* where it is when the file runs */
    const char *name;
};

struct symbols {
    struct symbol *functions; /* by start */
    size_t count;
    char *names;
    Elf64_Phdr segments[SYMBOLS_SEGMENT_MAXIMUM];
    unsigned segment_count;
};

/* ---- reading the file ---- */

static bool read_at(int file, void *out, uint64_t bytes, uint64_t offset) {
    return offset <= INT64_MAX && pread(file, out, bytes, (off_t)offset) == (ssize_t)bytes;
}

/* `count` records of `bytes` each, and a zero byte behind them. Returns owned; NULL: they are not
 * there, or more than is read. */
static void *read_records(int file, uint64_t count, uint64_t bytes, uint64_t offset) {
    if (count == 0 || count > SYMBOLS_TABLE_MAXIMUM_BYTES / bytes)
        return NULL;
    char *records = memory_allocate(count * bytes + 1);
    records[count * bytes] = '\0';
    if (read_at(file, records, count * bytes, offset))
        return records;
    memory_free(records);
    return NULL;
}

static bool read_head(int file, Elf64_Ehdr *head) {
    return read_at(file, head, sizeof *head, 0) && memcmp(head->e_ident, ELFMAG, SELFMAG) == 0 &&
           head->e_ident[EI_CLASS] == ELFCLASS64 &&
           head->e_ident[EI_DATA] ==
               (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB) &&
           head->e_phentsize == sizeof(Elf64_Phdr) && head->e_phnum <= SYMBOLS_SEGMENT_MAXIMUM &&
           head->e_shentsize == sizeof(Elf64_Shdr) && head->e_shnum <= SYMBOLS_SECTION_MAXIMUM;
}

/* .symtab, else .dynsym, else NULL. */
static const Elf64_Shdr *find_table(const Elf64_Shdr *sections, unsigned count) {
    const Elf64_Shdr *found = NULL;
    for (unsigned i = 0; i < count; i++)
        if (sections[i].sh_type == SHT_SYMTAB || (sections[i].sh_type == SHT_DYNSYM && !found))
            found = &sections[i];
    return found && found->sh_link < count && found->sh_entsize == sizeof(Elf64_Sym) ? found : NULL;
}

/* ---- what is kept ---- */

static int compare_starts(const void *a, const void *b) {
    const struct symbol *one = a, *other = b;
    return (one->start > other->start) - (one->start < other->start);
}

static bool is_function(const Elf64_Sym *symbol, uint64_t names_bytes) {
    unsigned type = ELF64_ST_TYPE(symbol->st_info);
    return (type == STT_FUNC || type == STT_GNU_IFUNC) && symbol->st_shndx != SHN_UNDEF &&
           symbol->st_size > 0 && symbol->st_name < names_bytes;
}

static void keep_functions(struct symbols *symbols, const Elf64_Sym *all, size_t count,
                           uint64_t names_bytes) {
    symbols->functions = memory_allocate(count * sizeof *symbols->functions);
    for (size_t i = 0; i < count; i++)
        if (is_function(&all[i], names_bytes))
            symbols->functions[symbols->count++] =
                (struct symbol){all[i].st_value, all[i].st_size, symbols->names + all[i].st_name};
    qsort(symbols->functions, symbols->count, sizeof *symbols->functions, compare_starts);
}

static void read_table(struct symbols *symbols, int file, const Elf64_Shdr *sections,
                       const Elf64_Shdr *table) {
    const Elf64_Shdr *names = &sections[table->sh_link];
    size_t count = table->sh_size / sizeof(Elf64_Sym);
    symbols->names = read_records(file, names->sh_size, 1, names->sh_offset);
    Elf64_Sym *all =
        symbols->names ? read_records(file, count, sizeof *all, table->sh_offset) : NULL;
    if (all)
        keep_functions(symbols, all, count, names->sh_size);
    memory_free(all);
}

static void read_file(struct symbols *symbols, int file) {
    Elf64_Ehdr head;
    if (!read_head(file, &head) ||
        !read_at(file, symbols->segments, head.e_phnum * sizeof(Elf64_Phdr), head.e_phoff))
        return;
    symbols->segment_count = head.e_phnum;
    Elf64_Shdr *sections = read_records(file, head.e_shnum, sizeof *sections, head.e_shoff);
    const Elf64_Shdr *table = sections ? find_table(sections, head.e_shnum) : NULL;
    if (table)
        read_table(symbols, file, sections, table);
    memory_free(sections);
}

struct symbols *symbols_open(const char *path) {
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file < 0)
        return NULL;
    struct symbols *symbols = memory_allocate_zeroed(1, sizeof *symbols);
    read_file(symbols, file);
    close(file);
    if (symbols->count > 0)
        return symbols;
    symbols_free(symbols);
    return NULL;
}

void symbols_free(struct symbols *symbols) {
    if (symbols == NULL)
        return;
    memory_free(symbols->functions);
    memory_free(symbols->names);
    memory_free(symbols);
}

/* ---- finding ---- */

/* Where in memory, as the file counts, that part of the file is run; false: it is not. */
static bool address_of(const struct symbols *symbols, uint64_t offset, uint64_t *address) {
    for (unsigned i = 0; i < symbols->segment_count; i++) {
        const Elf64_Phdr *segment = &symbols->segments[i];
        if (segment->p_type == PT_LOAD && (segment->p_flags & PF_X) &&
            offset >= segment->p_offset && offset - segment->p_offset < segment->p_filesz) {
            *address = offset - segment->p_offset + segment->p_vaddr;
            return true;
        }
    }
    return false;
}

const char *symbols_find(const struct symbols *symbols, uint64_t offset) {
    uint64_t address;
    size_t low = 0, high = symbols->count;
    if (!address_of(symbols, offset, &address))
        return NULL;
    while (low < high) { /* the first that begins behind it */
        size_t middle = low + (high - low) / 2;
        if (symbols->functions[middle].start <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const struct symbol *before = low ? &symbols->functions[low - 1] : NULL;
    return before && address - before->start < before->bytes ? before->name : NULL;
}
