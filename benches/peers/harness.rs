//! What the Rust peers share: the network's configuration, the clock, the report.

use std::time::Instant;

use serde::Deserialize;

const WARM_UP: usize = 3;

/// A network as `nn-lab config MODEL` prints it.
#[derive(Deserialize)]
pub struct Network {
    pub name: String,
    pub input_shape: Vec<usize>,
    pub layers: Vec<Layer>,
}

#[derive(Deserialize)]
#[serde(tag = "class_name", content = "config")]
pub enum Layer {
    Conv2D { filters: usize, kernel_size: [usize; 2], strides: [usize; 2], padding: String, activation: String },
    MaxPooling2D { pool_size: [usize; 2] },
    Dropout { rate: f64 },
    Flatten {},
    Dense { units: usize, activation: String },
}

/// A batch's shape: channels first for images.
pub fn input_shape(network: &Network) -> Vec<usize> {
    match network.input_shape[..] {
        [h, w, c] => vec![c, h, w],
        _ => network.input_shape.clone(),
    }
}

/// Zeros on each side of a convolution with a square kernel.
pub fn padding(kernel: usize, padding: &str) -> usize {
    if padding == "same" { (kernel - 1) / 2 } else { 0 }
}

/// Rows or columns after a window has slid over `size`.
pub fn slide(size: usize, window: usize, stride: usize, padding: usize) -> usize {
    (size + 2 * padding - window) / stride + 1
}

/// `PROGRAM CONFIG.json --batch N --threads N --steps N`.
pub struct Arguments {
    pub network: Network,
    pub batch: usize,
    pub threads: usize,
    pub steps: usize,
}

impl Arguments {
    pub fn read() -> Self {
        let words: Vec<String> = std::env::args().collect();
        let number = |flag: &str, default: usize| {
            let value = words.iter().position(|word| word == flag).map(|i| &words[i + 1]);
            value.map_or(default, |word| word.parse().expect("a number"))
        };
        let config = std::fs::read_to_string(&words[1]).expect("a configuration");
        Self {
            network: serde_json::from_str(&config).expect("a network with known layers"),
            batch: number("--batch", 256),
            threads: number("--threads", 2),
            steps: number("--steps", 8),
        }
    }

    /// Times both and prints one line of JSON.
    pub fn report(&self, engine: &str, version: &str, params: usize, step: impl FnMut(), infer: impl FnMut()) {
        let (steps, inferences) = (self.samples(step), self.samples(infer));
        let report = serde_json::json!({
            "engine": engine,
            "version": version,
            "model": self.network.name,
            "params": params,
            "batch": self.batch,
            "threads": self.threads,
            "step_ms": median(&steps),
            "step_ms_min": steps[0],
            "infer_ms": median(&inferences),
            "peak_rss_mb": peak_rss_mb(),
        });
        println!("{report}");
    }

    /// Milliseconds of each run, sorted, after a warm-up.
    fn samples(&self, mut run: impl FnMut()) -> Vec<f64> {
        (0..WARM_UP).for_each(|_| run());
        let mut times: Vec<f64> = (0..self.steps)
            .map(|_| {
                let start = Instant::now();
                run();
                1e3 * start.elapsed().as_secs_f64()
            })
            .collect();
        times.sort_by(f64::total_cmp);
        times
    }
}

fn median(sorted: &[f64]) -> f64 {
    (sorted[(sorted.len() - 1) / 2] + sorted[sorted.len() / 2]) / 2.0
}

fn peak_rss_mb() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok()? / 1024.0)
}
