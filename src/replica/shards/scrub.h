/* Reads what a worker has on its disk again and again, slowly: segments of the log, then the
 * newest snapshot of each shard. Damage is found before anybody needs what is lost, and while it is
 * known here still: a new snapshot is taken from memory, which writes a bad chunk or manifest anew
 * and lets a bad segment go (docs/decisions/0030-damage-at-rest.md).
 *
 *     LOG segment, segment ... --> SNAPSHOTS shard: manifest, chunk, chunk; shard ... --> pause  */
#pragma once
#include <stdint.h>

struct scrub;
struct worker;

struct scrub *scrub_new(struct worker *worker); /* returns owned */
void scrub_free(struct scrub *scrub);           /* its job is not under way: the disk is closed */
void scrub_tick(struct scrub *scrub);
uint64_t scrub_deadline_us(const struct scrub *scrub);
/* Takes the snapshots that let damaged segments go: several times a second. */
void scrub_shed(struct worker *worker);
uint64_t scrub_damage_count(const struct scrub *scrub); /* found so far */
