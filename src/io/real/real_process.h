/* What Linux says of this process. */
#pragma once
#include "io/process.h"

void process_real_facts(struct process_facts *out);
