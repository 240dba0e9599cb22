/* A read waits for memory four or five times before it has found its key, and who sends a pipeline
 * of reads would wait so for each of them in turn. Their keys stand in the input already: those of
 * the requests behind a read that are the same command are fetched together with its own. */
#include "session/read_ahead.h"

#include "cluster/topology.h"
#include "keyspace/keyspace.h"
#include "shard/machine/keyspace_machine.h"
#include "shard/shard.h"

static bool takes_key_first(const struct command *command) {
    return command->flags & COMMAND_READONLY && command->first_key == 1;
}

/* False: no shard of this worker has it. */
static bool hint_at(const struct worker *worker, struct bytes key, struct keyspace_hint *hint) {
    uint32_t number = worker->topology->slot_owner[slot_of_key(key)];
    const struct shard *shard = number ? worker->shards[number] : NULL;
    if (shard) {
        hint->keyspace = keyspace_machine_keyspace(shard_machine(shard));
        hint->key = key;
    }
    return shard != NULL;
}

/* Returns how many requests of `rest` are of the run. */
static unsigned fetch_run(const struct worker *worker, const struct bytes *arguments,
                          struct bytes rest) {
    struct keyspace_hint hints[KEYSPACE_EXPECTED_MAXIMUM];
    struct bytes next[2];
    size_t hint_count = hint_at(worker, arguments[1], &hints[0]), request_bytes;
    unsigned run = 0;
    while (run + 1 < KEYSPACE_EXPECTED_MAXIMUM && (request_bytes = request_glance(rest, next)) &&
           bytes_equal(next[0], arguments[0])) {
        hint_count += hint_at(worker, next[1], &hints[hint_count]);
        rest = bytes_of(rest.data + request_bytes, rest.length - request_bytes);
        run++;
    }
    if (run > 0)
        keyspace_fetch(hints, hint_count);
    return run;
}

void read_ahead(struct session *session, const struct command *command,
                const struct bytes *arguments, struct bytes rest) {
    if (session->fetched_count > 0)
        session->fetched_count--;
    else if (rest.length && takes_key_first(command) && session->worker->topology)
        session->fetched_count = fetch_run(session->worker, arguments, rest);
}
