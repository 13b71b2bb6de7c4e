// An addon for the tests of leaks: it tells what is allocated, to the byte, and can leak on
// purpose, so that the test shows that it would see it. Node-API is declared here as far as it
// is used: its headers are not everywhere. For glibc.
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>

typedef struct env *Env;
typedef struct value *Value;
typedef struct info *Info;

int napi_create_double(Env, double, Value *);
int napi_create_function(Env, const char *, size_t, Value (*)(Env, Info), void *, Value *);
int napi_get_cb_info(Env, Info, size_t *, Value *, Value *, void **);
int napi_get_value_uint32(Env, Value, unsigned *);
int napi_set_named_property(Env, Value, const char *, Value);

/** The bytes that all of the process has allocated from glibc and not freed. */
static Value in_use(Env env, Info info) {
  (void)info;
  struct mallinfo2 now = mallinfo2();
  Value bytes = NULL;
  napi_create_double(env, (double)(now.uordblks + now.hblkhd), &bytes);
  return bytes;
}

static void *volatile last;

/** Allocates as many bytes as it is told to, and forgets them. */
static Value leak(Env env, Info info) {
  Value given;
  size_t count = 1;
  unsigned bytes = 0;
  napi_get_cb_info(env, info, &count, &given, NULL, NULL);
  napi_get_value_uint32(env, given, &bytes);
  last = malloc(bytes);
  return NULL;
}

static void add(Env env, Value exports, const char *name, Value (*function)(Env, Info)) {
  Value made;
  napi_create_function(env, name, (size_t)-1, function, NULL, &made);
  napi_set_named_property(env, exports, name, made);
}

Value napi_register_module_v1(Env env, Value exports) {
  add(env, exports, "inUse", in_use);
  add(env, exports, "leak", leak);
  return exports;
}
