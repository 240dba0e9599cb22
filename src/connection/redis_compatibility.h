/* The release of Redis whose words and shapes this node answers with. Clients choose by it what
 * they send. */
#pragma once

#define REDIS_COMPATIBILITY_VERSION "7.0.15"
