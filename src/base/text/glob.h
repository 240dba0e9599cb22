/* Glob patterns exactly as Redis matches them: * ? [abc] [^a] [a-z] and \ to take the next byte as
 * it is.
 *
 * A pattern is a row of elements of which each but * takes exactly one byte. On a mismatch only the
 * latest * needs to take one byte more: an earlier * could offer it nothing that it has not had. So
 * the worst pattern costs pattern length times text length, and nothing recurses.
 *
 * Redis's corners are kept: an empty text matches only an empty pattern (not even "*"), a class
 * without its ']' runs to the end of the pattern, a range may be written backwards, bytes in ranges
 * compare signed. */
#pragma once
#include "base/bytes.h"

bool glob_match(struct bytes pattern, struct bytes text, bool ignore_case);
