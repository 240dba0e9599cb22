/* A line of text as words, split and unquoted as Redis splits inline commands and the lines of its
 * configuration file: words between white space, of which \v and \f end none and are part of it;
 *   "..."  knows \n \r \t \b \a, \xHH, and \ before anything else stands for that byte
 *   '...'  knows only \'
 * A quote may open in the middle of a word; its end is the end of the word, so white space or the
 * line's end must follow it. */
#pragma once
#include "base/buffer.h"

/* The white space of C's isspace() in the C locale. */
static inline bool words_is_space(uint8_t byte) {
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}
static inline bool words_ends_word(uint8_t byte) {
    return words_is_space(byte) && byte != '\v' && byte != '\f';
}
/* Leaves out the white space at both ends: before a word, and what ends the last one. */
struct bytes words_trim(struct bytes line);
/* Appends the word with which the line begins, which is never longer than what stood for it, and
 * moves the line behind it. False: the quotes are not balanced, and what was appended is of no use.
 */
bool words_next(struct bytes *line, struct buffer *out);
