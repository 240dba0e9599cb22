/* Runs a fuzz target without libFuzzer: every seed file given, then seeded mutations and crossings
 * of them, always the same.
 *
 *     fuzz_request [--runs N] [--seed N] FILE... */
#include "base/memory.h"
#include "base/random.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);

enum { RUNS = 100000, SEEDS_MAXIMUM = 256, INPUT_MAXIMUM_BYTES = 64 * 1024 };

struct input {
    uint8_t *data;
    size_t length;
};

static struct input input_read(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    struct input input = {.data = memory_allocate(INPUT_MAXIMUM_BYTES)};
    input.length = fread(input.data, 1, INPUT_MAXIMUM_BYTES, file);
    fclose(file);
    return input;
}

/* In a block of exactly its length, so that the address sanitizer sees a read behind the end. */
static void input_run(const uint8_t *data, size_t length) {
    uint8_t *exact = memory_copy(data, length);
    LLVMFuzzerTestOneInput(exact, length);
    memory_free(exact);
}

static uint8_t random_byte(struct random *random) {
    static const uint8_t telling[] = {0, 1, 0x7f, 0x80, 0xff, '\r', '\n', '$', '*', '-', '0', '9'};
    return random_chance(random, 0.5) ? telling[random_below(random, sizeof telling)]
                                      : (uint8_t)random_next(random);
}

/* One change: a byte overwritten, cut, doubled, or a piece of another seed put in. */
static void input_mutate(struct input *input, const struct input *other, struct random *random) {
    size_t at = (size_t)random_below(random, input->length + 1), tail = input->length - at;
    switch (random_below(random, 5)) {
    case 0:
        if (tail > 0)
            input->data[at] = random_byte(random);
        break;
    case 1:
        if (tail > 0)
            input->data[at] ^= (uint8_t)(1 << random_below(random, 8));
        break;
    case 2: {
        size_t cut = (size_t)random_below(random, tail + 1);
        memmove(input->data + at, input->data + at + cut, tail - cut);
        input->length -= cut;
        break;
    }
    case 3:
        if (input->length < INPUT_MAXIMUM_BYTES) {
            memmove(input->data + at + 1, input->data + at, tail);
            input->data[at] = random_byte(random);
            input->length++;
        }
        break;
    default: {
        size_t taken = (size_t)random_below(random, other->length + 1);
        if (input->length + taken > INPUT_MAXIMUM_BYTES)
            return;
        memmove(input->data + at + taken, input->data + at, tail);
        memcpy(input->data + at, other->data, taken);
        input->length += taken;
    }
    }
}

int main(int count, char **arguments) {
    uint64_t runs = RUNS, seed = 1;
    static struct input seeds[SEEDS_MAXIMUM];
    size_t seed_count = 0;
    for (int i = 1; i < count; i++)
        if (strcmp(arguments[i], "--runs") == 0 && i + 1 < count)
            runs = strtoull(arguments[++i], NULL, 10);
        else if (strcmp(arguments[i], "--seed") == 0 && i + 1 < count)
            seed = strtoull(arguments[++i], NULL, 10);
        else if (seed_count < SEEDS_MAXIMUM)
            seeds[seed_count++] = input_read(arguments[i]);
    if (seed_count == 0)
        seeds[seed_count++] = (struct input){.data = memory_allocate(INPUT_MAXIMUM_BYTES)};
    struct random random;
    random_init(&random, seed);
    for (size_t i = 0; i < seed_count; i++)
        input_run(seeds[i].data, seeds[i].length);
    struct input input = {.data = memory_allocate(INPUT_MAXIMUM_BYTES)};
    for (uint64_t run = 0; run < runs; run++) {
        const struct input *from = &seeds[random_below(&random, seed_count)];
        memcpy(input.data, from->data, from->length);
        input.length = from->length;
        for (uint64_t left = random_between(&random, 1, 6); left > 0; left--)
            input_mutate(&input, &seeds[random_below(&random, seed_count)], &random);
        input_run(input.data, input.length);
    }
    memory_free(input.data);
    for (size_t i = 0; i < seed_count; i++)
        memory_free(seeds[i].data);
    printf("%llu runs from %zu seeds\n", (unsigned long long)runs, seed_count);
    return 0;
}
