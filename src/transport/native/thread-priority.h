/* lowerPriority(): 0, or a negative errno. See thread-priority.c. */
#ifndef FUNCOAP_THREAD_PRIORITY_H
#define FUNCOAP_THREAD_PRIORITY_H

#include <node_api.h>

napi_value lower_priority(napi_env env, napi_callback_info info);

#endif
