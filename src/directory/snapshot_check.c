#include "directory/snapshot_check.h"

#include "base/memory.h"
#include "raft/raft.h"
#include "replica/topology/control_machine.h"
#include "shard/machine/keyspace_machine.h"
#include "store/snapshot/chunk.h"
#include "store/snapshot/names.h"

static void found(const struct snapshot_check *check, const char *file, const char *what,
                  int error) {
    struct snapshot_bad bad = {.shard = check->shard, .file = file, .what = what, .error = error};
    check->found(check->context, &bad);
}

/* ---- chunks ---- */

static int check_image(const struct snapshot_check *check, const struct snapshot_chunk *chunk,
                       const char *name, struct bytes image, struct machine *machine) {
    struct buffer raw;
    uint64_t offset;
    buffer_init(&raw, SNAPSHOT_CHUNK_BYTES_MAXIMUM);
    int error = snapshot_chunk_unpack(check->shard->number, chunk, image, &raw, &offset);
    if (error) {
        struct snapshot_bad bad = {.shard = check->shard,
                                   .file = name,
                                   .what = "the part that begins here",
                                   .error = error,
                                   .has_offset = true,
                                   .offset = offset};
        check->found(check->context, &bad);
    } else if (machine) {
        error = machine->ops->load(machine, buffer_bytes(&raw));
        if (error)
            found(check, name, "it verifies but holds no whole records", error);
    }
    buffer_release(&raw);
    return error;
}

static int check_chunk(const struct snapshot_check *check, const struct snapshot_chunk *chunk,
                       struct machine *machine) {
    char name[DISK_NAME_MAXIMUM];
    snapshot_chunk_name(check->shard->number, chunk, name);
    uint8_t *data;
    size_t length;
    int error = disk_read_all(check->disk, name, SIZE_MAX, &data, &length);
    if (error) {
        found(check, name, "the snapshot names this chunk", error);
        return error;
    }
    error = check_image(check, chunk, name, bytes_of(data, length), machine);
    memory_free(data);
    check->progress(check->context, length);
    return error;
}

/* ---- what they hold ---- */

static struct machine *machine_to_load(const struct snapshot_check *check) {
    if (check->shard->number != 0)
        return keyspace_machine_new(0, NULL);
    return check->founding ? control_machine_new(check->founding) : NULL;
}

static void check_state(const struct snapshot_check *check, const char *name,
                        const struct snapshot_manifest *manifest, struct machine *machine) {
    struct directory_shard *shard = check->shard;
    if (!machine->ops->load_is_complete(machine)) {
        found(check, name, "its chunks verify but are no whole state", 0);
        return;
    }
    shard->is_snapshot_sound =
        machine->ops->hash(machine) == snapshot_manifest_state_hash(manifest);
    if (!shard->is_snapshot_sound)
        found(check, name, "its chunks verify but hold another state than it says", 0);
    if (shard->number != 0)
        shard->key_count = keyspace_machine_key_count(machine);
}

static void check_chunks(const struct snapshot_check *check, const char *name,
                         const struct snapshot_manifest *manifest) {
    struct machine *machine = machine_to_load(check);
    bool is_good = true;
    for (uint32_t i = 0; i < manifest->chunk_count; i++)
        is_good = check_chunk(check, &manifest->chunks[i], machine) == 0 && is_good;
    if (machine && is_good)
        check_state(check, name, manifest, machine);
    if (machine)
        machine->ops->free(machine);
}

/* ---- the manifest ---- */

static const char *wrong_with_meta(const struct directory_shard *shard,
                                   const struct snapshot_meta *meta) {
    struct raft_configuration configuration;
    if (meta->shard != shard->number || meta->index != shard->snapshot_index)
        return "it is another snapshot than its name says";
    if (meta->term != shard->snapshot_term)
        return "its term is not the one that the log has for it";
    if (raft_configuration_decode(&configuration,
                                  bytes_of(meta->configuration, meta->configuration_bytes)))
        return "its membership cannot be decoded";
    return NULL;
}

void snapshot_check(struct snapshot_check *check) {
    struct directory_shard *shard = check->shard;
    char name[DISK_NAME_MAXIMUM];
    snapshot_manifest_name(shard->number, shard->snapshot_index, name);
    uint8_t *data;
    size_t length;
    int error = disk_read_all(check->disk, name, SIZE_MAX, &data, &length);
    if (error) {
        found(check, name, "the log names this snapshot", error);
        return;
    }
    struct snapshot_manifest *manifest;
    error = snapshot_manifest_decode(bytes_of(data, length), &manifest);
    memory_free(data);
    check->progress(check->context, length);
    const char *wrong = error ? "the manifest" : wrong_with_meta(shard, &manifest->meta);
    if (wrong) {
        found(check, name, wrong, error);
    } else {
        shard->snapshot_bytes = length + snapshot_manifest_stored_bytes(manifest);
        check_chunks(check, name, manifest);
    }
    snapshot_manifest_free(manifest);
}
