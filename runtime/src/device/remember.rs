//! Where cards keep the kernels they compiled and measured.

/// Keeps them in the user's cache folder, unless a `cubecl.toml` of the user says otherwise. Must come before the first tensor.
pub fn in_cache_folder() {
    #[cfg(any(feature = "gpu-tuned", feature = "cuda"))]
    {
        use cubecl::config::{CubeClRuntimeConfig, RuntimeConfig, cache::CacheConfig};
        let mut config = CubeClRuntimeConfig::from_current_dir().override_from_env();
        if matches!(config.environment.path, CacheConfig::Target) {
            config.environment.path = CacheConfig::Global;
        }
        CubeClRuntimeConfig::try_set(config);
    }
}
