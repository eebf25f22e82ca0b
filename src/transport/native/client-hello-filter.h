/* See client-hello-filter.c. */
#ifndef FUNCOAP_CLIENT_HELLO_FILTER_H
#define FUNCOAP_CLIENT_HELLO_FILTER_H

#include <stdint.h>

#define ALL_HELLOS UINT32_MAX

/* Of 2^32 - 1 ClientHellos so many pass: of those without a cookie of ours, of those with one. 0, or a negative errno. */
int admit_hellos(int fd, uint32_t fresh, uint32_t returning);

#endif
