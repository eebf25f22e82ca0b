/* The functions of aes-ccm.c, for the addon. See there. */
#ifndef FUNCOAP_AES_CCM_H
#define FUNCOAP_AES_CCM_H

#include <node_api.h>

/* Adds ccmSeal() and ccmOpen() to `exports`, where this Node's OpenSSL has what they need and computes it rightly. */
napi_status aes_ccm_init(napi_env env, napi_value exports);

#endif
