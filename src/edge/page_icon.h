/*
 * page_icon.h - /favicon.ico: a hop, in 198 bytes.
 */
#ifndef EDGE_PAGE_ICON_H
#define EDGE_PAGE_ICON_H

#include "base/slice.h"

#define PAGE_ICON SLICE("image/x-icon")

/* An ICO file; static. */
struct slice page_icon(void);

#endif
