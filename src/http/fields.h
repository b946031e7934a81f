/*
 * fields.h - the field lines of a head, up to and with the empty line.
 */
#ifndef HTTP_FIELDS_H
#define HTTP_FIELDS_H

#include "cursor.h"
#include "http/parse.h"

/* The cursor stands behind the request line; *head_end is set to behind the head when that is
 * there. request->minor_version is set, and host already when the target names one. */
enum http_parse_result http_fields_parse(struct cursor in, struct http_request *request,
                                         const char **head_end);

#endif
