/* Runs text scripts against a few replicas, and holds what happened against the text that stands
 * below each command.
 *
 *      raft_script [--rewrite | --plant FAULT] FILE...
 *
 * A script is blocks: command lines, `----`, the expected words up to an empty line. Lines that
 * begin with # are comments. With --rewrite the expected words are replaced by what happened, to be
 * read in the diff. With --plant a fault of base/planted.def must show: exits 0 only if something
 * else happened.
 *
 *   cluster N [learners=2,3] [new=3,4] [window=M] [window-bytes=B] [message-bytes=B] [quiet=MS]
 *        [lazy=MS]
 *                           founds N replicas; the new ones know of no voter
 *   tick N [TIME]           time passes (50ms, 1s), then N looks at its deadlines
 *   pass TIME               time passes and nobody looks
 *   deliver all | A->B [K]  what waits on the network (from A to B; only the first K)
 *   drop all | A->B [K]     the same, lost
 *   duplicate A->B          sends the newest once more
 *   network                 shows what waits
 *   send KIND A->B [term=T] [after=I/T] [entries=I/T,...] [commit=C] [conflict=I/T] [context=N]
 *        [round=N] [rejected] [forced] [at=N]
 *                           a message that A did not send arrives at B (or at N); `after` is the
 *                           position in the log that it is about, whatever the kind calls it
 *   durable N [K]           N's disk finishes its saves (the oldest K)
 *   settle                  delivers and finishes until all is quiet, in silence
 *   calm TIME               time passes, all look at their deadlines, and all settles, in silence
 *   beat N                  N's heartbeats for its quiet shard wait on the network (parts/pair.h)
 *   beats all | A->B [K]    what waits of those, and of their replies, arrives
 *   drop-beats all | A->B [K]   the same, lost
 *   notice N                N looks whether a pair has been silent for too long
 *   busy N PEER             entries of another shard, which PEER leads, came to N just now
 *   others N PEER           PEER answers N's heartbeat for other quiet shards, sent just now
 *   unable N PEER           N and that peer do not speak of quiet shards
 *   elect N                 N becomes leader, in silence (others are not asked to campaign)
 *   propose N TEXT [early]  early: to be answered once a majority has received it
 *   read N ID       transfer N [TO]       lost N PEER       lease N
 *   suspected N PEER        others do not hear PEER either
 *   standing N PEER willing|reluctant|unfit|leaving    what N is told of itself or of PEER
 *   return N PEER TIME      may N give the lead back to PEER, if it has had it for so long?
 *   crash N                 loses what is not durable        start N        restart N
 *   full N                  N has no space for entries       room N           it has again
 *   remove N                N's replica goes with its log; the new one knows of no voter
 *   disk N term=T vote=V TERM...     what N finds at its next start; only while it is down
 *   change N 1,2,4          N is asked for these voters
 *   hurry N INDEX           somebody waits at N for all replicas to have all up to INDEX
 *   lazy TIME               the setting is another one from now on
 *   promise TIME [N]        the same of how long who hears a leader votes for nobody else (N's)
 *   forget N INDEX BYTES [HELD]
 *                           what is applied up to there goes from N's memory, but for the newest
 *                           bytes, and for more of them where a voter lacks them
 *   compact N INDEX         snapshot-sent N PEER INDEX       snapshot-failed N PEER [INDEX]
 *   install N FROM INDEX    N takes over the snapshot of FROM
 *   deadline N              when N wants to look again
 *   show [N]                roles and logs */
#include "script.h"
#include "../plant_fault.h"
#include "base/check.h"
#include "base/memory.h"

#include <stdio.h>
#include <unistd.h>

enum { SCRIPT_BYTES_MAXIMUM = 1 << 20 };

/* Runs all blocks of `in`; appends the script with what really happened to `rewritten`. */
static void script_run(struct script *script, FILE *in, struct buffer *rewritten) {
    struct line line;
    bool is_expectation = false;
    while (fgets(line.text, sizeof line.text, in) != NULL) {
        line.text[strcspn(line.text, "\n")] = 0;
        bool is_empty = line.text[0] == 0;
        if (is_expectation && !is_empty)
            continue;
        is_expectation = strcmp(line.text, "----") == 0;
        buffer_append_format(rewritten, "%s\n", line.text);
        if (is_expectation) {
            if (script->out.length == 0)
                buffer_append_text(&script->out, "(nothing)\n");
            buffer_append_bytes(rewritten, buffer_bytes(&script->out));
            buffer_clear(&script->out);
        } else if (!is_empty && line.text[0] != '#')
            script_command(script, &line);
    }
}

static struct bytes line_first(struct bytes text) {
    const uint8_t *end = text.length ? memchr(text.data, '\n', text.length) : NULL;
    return bytes_of(text.data, end ? (size_t)(end - text.data) + 1 : text.length);
}

/* True if both are equal; else says where they part. */
static bool texts_compare(const char *path, struct bytes expected, struct bytes actual) {
    for (unsigned number = 1; expected.length > 0 || actual.length > 0; number++) {
        struct bytes expected_line = line_first(expected), actual_line = line_first(actual);
        if (!bytes_equal(expected_line, actual_line)) {
            printf("%s:%u: expected and got:\n-%.*s", path, number, BYTES_PRINT(expected_line));
            printf("+%.*s\nThe rest of what happened:\n%.*s", BYTES_PRINT(actual_line),
                   (int)(actual.length < 2000 ? actual.length : 2000), (const char *)actual.data);
            return false;
        }
        expected =
            bytes_of(expected.data + expected_line.length, expected.length - expected_line.length);
        actual = bytes_of(actual.data + actual_line.length, actual.length - actual_line.length);
    }
    return true;
}

static bool file_run(const char *path, bool is_rewritten) {
    FILE *in = fopen(path, is_rewritten ? "r+" : "r");
    if (in == NULL) {
        perror(path);
        return false;
    }
    struct script script = {0};
    struct buffer rewritten;
    buffer_init(&script.out, SCRIPT_BYTES_MAXIMUM);
    buffer_init(&rewritten, SCRIPT_BYTES_MAXIMUM);
    script_run(&script, in, &rewritten);
    rewind(in);
    bool is_good = true;
    if (is_rewritten) {
        CHECK(ftruncate(fileno(in), 0) == 0);
        fwrite(buffer_data(&rewritten), 1, rewritten.length, in);
    } else {
        char *expected = memory_allocate(SCRIPT_BYTES_MAXIMUM);
        size_t length = fread(expected, 1, SCRIPT_BYTES_MAXIMUM, in);
        is_good = texts_compare(path, bytes_of(expected, length), buffer_bytes(&rewritten));
        memory_free(expected);
    }
    fclose(in);
    if (script.cluster != NULL)
        cluster_free(script.cluster);
    buffer_release(&script.out);
    buffer_release(&rewritten);
    return is_good;
}

int main(int argc, char **argv) {
    bool is_rewritten = argc > 1 && strcmp(argv[1], "--rewrite") == 0;
    bool is_planted = argc > 2 && strcmp(argv[1], "--plant") == 0;
    if (is_planted && !plant_fault(argv[2]))
        return 1;
    int failed = 0;
    for (int i = is_planted ? 3 : is_rewritten ? 2 : 1; i < argc; i++)
        failed += !file_run(argv[i], is_rewritten);
    return is_planted ? failed == 0 : failed != 0;
}
