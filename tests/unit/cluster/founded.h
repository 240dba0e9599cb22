/* A cluster as it was founded: node i is 127.0.0.i, and i is the first byte of its UUID. */
#pragma once
#include "../unit.h"

#include "cluster/topology.h"

static inline struct topology *found(unsigned nodes, unsigned shards, unsigned replicas) {
    struct topology_node list[16] = {0};
    uint8_t cluster_id[16] = "0123456789abcde";
    for (unsigned i = 0; i < nodes; i++) {
        list[i].uuid[0] = (uint8_t)(i + 1);
        snprintf(list[i].address.host, sizeof list[i].address.host, "127.0.0.%u", i + 1);
        list[i].address.client_port = 7001;
        list[i].address.peer_port = 17001;
        list[i].address.admin_port = 9001;
    }
    return topology_found(cluster_id, list, nodes, shards, replicas);
}

/* Applies one command, its words apart by spaces. */
static inline int apply_words(struct topology *topology, const char *words) {
    struct bytes arguments[16];
    size_t count = 0;
    char text[256];
    char *rest = NULL;
    snprintf(text, sizeof text, "%s", words);
    for (char *word = strtok_r(text, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        arguments[count++] = bytes_of_text(word);
    return topology_apply(topology, arguments, count);
}

/* As another node reads it: what topology_decode() says of its bytes. */
static inline int decode(const struct topology *topology, struct topology **back) {
    struct buffer encoded;
    buffer_init(&encoded, TOPOLOGY_BYTES_MAXIMUM);
    topology_encode(topology, &encoded);
    int error = topology_decode(buffer_bytes(&encoded), back);
    buffer_release(&encoded);
    return error;
}

static inline int decode_and_drop(const struct topology *topology) {
    struct topology *back = NULL;
    int error = decode(topology, &back);
    topology_free(back);
    return error;
}
