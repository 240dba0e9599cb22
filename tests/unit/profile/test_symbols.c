/* Whose code lies where in a file: in this very program; and files that are cut or no programs at
 * all have no names. */
#include "../unit.h"
#include "profile/pprof.h"
#include "profile/process_file.h"
#include "profile/symbols.h"
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Looked for below; the optimizer must leave it alone. */
__attribute__((noinline, noclone)) static int function_that_is_looked_for(int number) {
    __asm__ volatile("" : "+r"(number));
    return number + 1;
}

struct place {
    uint64_t start, limit, offset;
};

/* The mapping that `address` lies in, of this process. */
static struct place place_of(uint64_t address) {
    struct buffer maps;
    struct place place = {0};
    char rights[5];
    buffer_init(&maps, 16 << 20);
    assert_int_equal(process_file_read("/proc/self/maps", &maps), 0);
    buffer_append_u8(&maps, 0);
    for (const char *line = (const char *)buffer_data(&maps); line && *line;
         line = strchr(line, '\n')) {
        line += *line == '\n';
        if (sscanf(line, "%lx-%lx %4s %lx", &place.start, &place.limit, rights, &place.offset) ==
                4 &&
            address >= place.start && address < place.limit)
            break;
    }
    buffer_release(&maps);
    assert_true(address >= place.start && address < place.limit);
    return place;
}

static void a_function_is_found_from_its_first_byte_on(void **state) {
    (void)state;
    uint64_t address = (uint64_t)(uintptr_t)function_that_is_looked_for;
    struct place place = place_of(address);
    struct symbols *symbols = symbols_open("/proc/self/exe");
    assert_non_null(symbols);
    uint64_t offset = address - place.start + place.offset;
    assert_string_equal(symbols_find(symbols, offset), "function_that_is_looked_for");
    assert_string_equal(symbols_find(symbols, offset + 1), "function_that_is_looked_for");
    const char *before = symbols_find(symbols, offset - 1);
    assert_true(before == NULL || strcmp(before, "function_that_is_looked_for") != 0);
    assert_null(symbols_find(symbols, 0)); /* the file's head is not run */
    assert_null(symbols_find(symbols, UINT64_MAX));
    symbols_free(symbols);
    assert_int_equal(function_that_is_looked_for(1), 2);
}

static void write_file(const char *path, struct bytes bytes) {
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, bytes.data, bytes.length), bytes.length);
    close(file);
}

/* Some bytes, chosen by a generator of its own, are others: names or none, and nothing worse. */
static void damage(struct buffer *file, uint64_t *seed) {
    for (int i = 0; i < 8; i++) {
        *seed = *seed * 6364136223846793005u + 1442695040888963407u;
        size_t limit = i < 4 ? 64 : file->length; /* the head is where it hurts */
        buffer_data(file)[(*seed >> 33) % limit] = (uint8_t)(*seed >> 20);
    }
}

static void damaged_files_do_no_harm(void **state) {
    (void)state;
    struct buffer program, copy;
    char path[] = "/tmp/trothdb-symbols-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    buffer_init(&program, 256 << 20);
    buffer_init(&copy, 256 << 20);
    assert_int_equal(process_file_read("/proc/self/exe", &program), 0);
    uint64_t seed = 1;
    for (int round = 0; round < 40; round++) {
        buffer_clear(&copy);
        buffer_append(&copy, buffer_data(&program), program.length);
        damage(&copy, &seed);
        write_file(path, buffer_bytes(&copy));
        struct symbols *symbols = symbols_open(path);
        for (uint64_t offset = 0; symbols && offset < program.length; offset += 4099)
            (void)symbols_find(symbols, offset);
        symbols_free(symbols);
    }
    static const size_t kept[] = {0, 1, 63, 64, 100, 4096};
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        write_file(path, bytes_of(buffer_data(&program), kept[i]));
        assert_null(symbols_open(path));
    }
    unlink(path);
    assert_null(symbols_open(path));
    assert_null(symbols_open("/"));
    buffer_release(&program);
    buffer_release(&copy);
}

static bool has_text(const struct buffer *file, const char *text) {
    return memmem(buffer_data(file), file->length, text, strlen(text)) != NULL;
}

static void a_profile_names_its_functions(void **state) {
    (void)state;
    uint64_t address = (uint64_t)(uintptr_t)function_that_is_looked_for;
    struct pprof *pprof = pprof_new(&(struct pprof_options){
        .kinds = {{"cpu", "count"}}, .kind_count = 1, .period_kind = {"cpu", "count"}});
    const uint64_t one = 1;
    struct buffer maps, out;
    buffer_init(&maps, 16 << 20);
    buffer_init(&out, 1 << 20);
    pprof_add(pprof, &address, 1, &one, NULL);
    assert_int_equal(process_file_read("/proc/self/maps", &maps), 0);
    pprof_finish(pprof, buffer_bytes(&maps), &out);
    assert_true(has_text(&out, "function_that_is_looked_for"));
    assert_true(has_text(&out, "\x38\x01\x1a")); /* mappings: their functions have names */
    pprof_free(pprof);
    buffer_release(&maps);
    buffer_release(&out);
}

RUN_TESTS(cmocka_unit_test(a_function_is_found_from_its_first_byte_on),
          cmocka_unit_test(damaged_files_do_no_harm),
          cmocka_unit_test(a_profile_names_its_functions))
