#include "replica/topology/topology_files.h"

#include "base/memory.h"
#include "cluster/feature.h"
#include "cluster/topology_file.h"
#include "replica/state/state.h"

#define FOUNDING_FILE "founding"
#define TOPOLOGY_FILE "topology"

static int save(struct worker *worker, const char *name, const struct topology *topology,
                bool is_summed) {
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_FILE_BYTES_MAXIMUM);
    topology_file_encode(topology, is_summed, &encoded);
    int error = disk_write_all(worker->io.node_disk, name, buffer_bytes(&encoded));
    buffer_release(&encoded);
    return error;
}

static int load(struct worker *worker, const char *name, struct topology **out,
                struct buffer *problem) {
    uint8_t *data;
    size_t length;
    int error =
        disk_read_all(worker->io.node_disk, name, TOPOLOGY_FILE_BYTES_MAXIMUM, &data, &length);
    if (error == ERR_NOT_FOUND) {
        *out = NULL;
        return 0;
    }
    if (!error) {
        error = topology_file_decode(bytes_of(data, length), out);
        memory_free(data);
    }
    if (error) {
        buffer_append_format(problem, "the file \"%s\" cannot be used: %s; %s", name,
                             error_text(error),
                             disk_error_is_of_process(error)
                                 ? "check the rights on it, and the limits of the process, then "
                                   "start again"
                                 : "copy it from another node of the cluster");
    }
    return error;
}

bool topology_files_have_sums(const struct topology *topology) {
    return topology && feature_is_on(topology, FEATURE_SUMMED_FILES);
}

int topology_files_save(struct worker *worker, const struct topology *topology) {
    return save(worker, TOPOLOGY_FILE, topology, topology_files_have_sums(topology));
}

int topology_files_save_founding(struct worker *worker, const struct topology *founding,
                                 bool is_summed) {
    return save(worker, FOUNDING_FILE, founding, is_summed);
}

int topology_files_load(struct worker *worker, struct topology **topology, struct buffer *problem) {
    return load(worker, TOPOLOGY_FILE, topology, problem);
}

int topology_files_load_founding(struct worker *worker, struct topology **founding,
                                 struct buffer *problem) {
    return load(worker, FOUNDING_FILE, founding, problem);
}

static bool has_log(const struct worker *worker) {
    for (unsigned i = 0; i < WORKER_SHARD_MAXIMUM; i++)
        if (worker->hosting->recoveries[i])
            return true;
    return false;
}

/* The node died between the two files. One that was about to join is told again. */
static int take_founding(struct worker *worker, struct topology **topology,
                         struct topology **founding, struct buffer *problem) {
    if (!topology_node_by_uuid(*founding, worker->identity.uuid)) {
        topology_free(*founding);
        *founding = NULL;
        return 0;
    }
    *topology = topology_copy(*founding);
    int error = worker->index == 0 ? topology_files_save(worker, *topology) : 0;
    if (error) {
        buffer_append_format(problem, "the file \"topology\" cannot be written: %s",
                             error_text(error));
    }
    return error;
}

int topology_files_load_both(struct worker *worker, struct topology **topology,
                             struct topology **founding, struct buffer *problem) {
    *topology = NULL;
    int error = topology_files_load_founding(worker, founding, problem);
    if (!error)
        error = topology_files_load(worker, topology, problem);
    if (error)
        return error;
    if (*topology && !*founding) {
        buffer_append_text(problem, "the file \"topology\" is here and the file \"founding\" is "
                                    "not; copy it from another node of the cluster");
        return ERR_DAMAGED;
    }
    if (!*topology && has_log(worker)) {
        buffer_append_text(problem, "there is a log here and no file \"topology\" that says of "
                                    "which cluster; put the file back, or empty the directory");
        return ERR_DAMAGED;
    }
    bool is_between = *founding && !*topology;
    return is_between ? take_founding(worker, topology, founding, problem) : 0;
}
