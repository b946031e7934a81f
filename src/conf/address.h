/*
 * address.h - HOST:PORT, one of them.
 */
#ifndef CONF_ADDRESS_H
#define CONF_ADDRESS_H

#include <stdbool.h>

#include "base/slice.h"

struct conf_address;

/* False when it is not HOST:PORT; the whole of text is looked at. */
bool address_parse(struct slice text, struct conf_address *address);

#endif
