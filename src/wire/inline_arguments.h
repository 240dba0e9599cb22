/* Splits an inline command into arguments, by the rules of base/text/words.h. A NUL ends the line.
 */
#pragma once
#include "base/buffer.h"

/* Called for each argument with where it stands in `out`; false: too many, the split stops. */
typedef bool inline_argument_each(void *context, size_t position, size_t length);

/* Appends the unquoted arguments to `out` end to end; together they are never longer than the line.
 * False: unbalanced quotes, or `each` said so. */
bool inline_arguments_split(struct bytes line, struct buffer *out, inline_argument_each *each,
                            void *context);
