/* A cluster as its nodes tell it, for people and for programs. */
#pragma once
#include "cli/client/cluster_view.h"

void view_print_tables(const struct cluster_view *view, struct buffer *out);
void view_print_json(const struct cluster_view *view, struct buffer *out);
