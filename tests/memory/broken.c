// The part of broken.rs that is C, as the distance kernels of the package are.
#include <stddef.h>

float sum(const float *values, size_t count) {
  float total = 0;
  for (size_t i = 0; i < count; i++) total += values[i];
  return total;
}
