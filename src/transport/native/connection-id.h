/* divideByConnectionId(descriptor): 0, or a negative errno. See connection-id.c. */
#ifndef FUNCOAP_CONNECTION_ID_H
#define FUNCOAP_CONNECTION_ID_H

#include <node_api.h>

napi_value divide_by_connection_id(napi_env env, napi_callback_info info);

#endif
