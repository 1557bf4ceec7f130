mod functions;
use tpe::{Direction, Value, history::*, sampler::*};
fn main() {
    if std::env::args().nth(1).as_deref() == Some("time") {
        let f = functions::all().unwrap().swap_remove(1);
        let fixed = vec![f64::NAN; 6];
        for n in [100u64, 1000] {
            let mut h = History::new();
            for number in 0..n {
                let s = Random
                    .suggest(&Ask {
                        space: &f.space,
                        history: &h,
                        number,
                        seed: 0,
                        fixed: &fixed,
                        noisy: false,
                    })
                    .unwrap();
                let look = |name: &str| {
                    let i = f.space.index(name).unwrap();
                    Value::Float(s.point[i])
                };
                let v = (f.evaluate)(&look);
                h.record(Observation {
                    number,
                    outcome: Outcome::Complete { loss: v },
                    violation: 0.0,
                    point: s.point,
                });
            }
            let mut t: Vec<f64> = (0..500)
                .map(|i| {
                    let t0 = std::time::Instant::now();
                    std::hint::black_box(
                        Joint::default()
                            .suggest(&Ask {
                                space: &f.space,
                                history: &h,
                                number: n + i,
                                seed: 0,
                                fixed: &fixed,
                                noisy: false,
                            })
                            .unwrap(),
                    );
                    t0.elapsed().as_secs_f64() * 1e3
                })
                .collect();
            t.sort_by(f64::total_cmp);
            println!("{n}: {:.4} ms median, min {:.4}", t[250], t[0]);
        }
        return;
    }
    let seeds: u64 = std::env::args().nth(1).and_then(|s| s.parse().ok()).unwrap_or(40);
    let only = std::env::args().nth(2);
    for f in functions::all().unwrap() {
        if only.as_ref().is_some_and(|o| o != f.name) {
            continue;
        }
        for sampler in [&Joint::default() as &dyn Sampler] {
            let mut at: [Vec<f64>; 3] = Default::default();
            let t0 = std::time::Instant::now();
            for seed in 0..seeds {
                let mut h = History::new();
                let mut best = f64::INFINITY;
                let fixed = vec![f64::NAN; f.space.len()];
                for number in 0..60u64 {
                    let s = sampler
                        .suggest(&Ask {
                            space: &f.space,
                            history: &h,
                            number,
                            seed,
                            fixed: &fixed,
                            noisy: false,
                        })
                        .unwrap();
                    let look = |name: &str| {
                        let i = f.space.index(name).unwrap();
                        f.space.nodes()[i].domain().distribution().external(s.point[i])
                    };
                    let v = (f.evaluate)(&look);
                    best = best.min(v);
                    for (k, n) in [15, 30, 60].iter().enumerate() {
                        if number + 1 == *n {
                            at[k].push(best - f.least);
                        }
                    }
                    h.record(Observation {
                        number,
                        outcome: Outcome::Complete { loss: Direction::Minimize.loss(v) },
                        violation: 0.0,
                        point: s.point,
                    });
                }
            }
            print!("{:12} {:8}", f.name, sampler.name());
            for a in &mut at {
                a.sort_by(f64::total_cmp);
                let q = |p: f64| a[((a.len() - 1) as f64 * p).round() as usize];
                print!("  {:.4} [{:.4},{:.4}]", q(0.5), q(0.25), q(0.75));
            }
            println!("  {:.2}s", t0.elapsed().as_secs_f64());
        }
    }
}
#[allow(dead_code)]
fn speed() {}
