/**
 * Settings of a trainer, for the C library and TensorFlow, which read them when a process starts. What the
 * user's environment says goes before.
 *
 * The allocator: activations are large blocks that come and go at every operation; by default each goes back to the kernel and
 * is zeroed again when it returns. Kept in the process instead, a step of the small encoder took 436 ms, not 590.
 *
 * oneDNN: TensorFlow switches it on by itself only on CPUs with AVX-512. With AVX2 alone the small encoder's step took 0.75
 * times as long with it, and ResNet50V2's half (medians of interleaved runs, 2 cores).
 *
 * GPU memory: by default the first process takes nearly all of it, and the trainer of another step on the same GPU finds none.
 */
export const fastEnvironment: Readonly<Record<string, string>> = {
  MALLOC_ARENA_MAX: '1',
  MALLOC_MMAP_THRESHOLD_: '33554432',
  MALLOC_TRIM_THRESHOLD_: '4294967296',
  TF_ENABLE_ONEDNN_OPTS: '1',
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
};
