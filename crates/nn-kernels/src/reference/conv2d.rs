use crate::Real;
use crate::conv::ConvGeometry;

/// `y = conv(x, w)`; see [`crate::conv`] for the formula and the shapes. Overwrites `y`.
pub fn conv2d<R: Real>(g: &ConvGeometry, x: &[R], w: &[R], y: &mut [R]) {
    let mut sums = vec![0.0; y.len()];
    for_each_tap(g, x.len() / g.input_len(), |xi, wi, yi| sums[yi] += x[xi].as_f64() * w[wi].as_f64());
    for (y, &sum) in y.iter_mut().zip(&sums) {
        *y = R::of(sum);
    }
}

/// `dx[xi] = sum of dy[yi]·w[wi]` over the taps that read `x[xi]`. Overwrites `dx`.
pub fn conv2d_grad_input<R: Real>(g: &ConvGeometry, dy: &[R], w: &[R], dx: &mut [R]) {
    let mut sums = vec![0.0; dx.len()];
    for_each_tap(g, dx.len() / g.input_len(), |xi, wi, yi| sums[xi] += dy[yi].as_f64() * w[wi].as_f64());
    for (dx, &sum) in dx.iter_mut().zip(&sums) {
        *dx = R::of(sum);
    }
}

/// `dw[wi] += sum of x[xi]·dy[yi]` over the taps that use `w[wi]`. Adds to `dw`.
pub fn conv2d_grad_weight<R: Real>(g: &ConvGeometry, x: &[R], dy: &[R], dw: &mut [R]) {
    let mut sums = vec![0.0; dw.len()];
    for_each_tap(g, x.len() / g.input_len(), |xi, wi, yi| sums[wi] += x[xi].as_f64() * dy[yi].as_f64());
    for (dw, &sum) in dw.iter_mut().zip(&sums) {
        *dw = R::of(dw.as_f64() + sum);
    }
}

/// Visits every product of the convolution as the flat indices of its input, weight and output element.
///
/// One walk serves all three directions, because each is a sum of the same products over another index.
fn for_each_tap(g: &ConvGeometry, images: usize, mut visit: impl FnMut(usize, usize, usize)) {
    let (group_in, group_out) = (g.in_c / g.groups, g.out_c / g.groups);
    for n in 0..images {
        for oh in 0..g.out_h {
            for ow in 0..g.out_w {
                for kh in 0..g.kh {
                    for kw in 0..g.kw {
                        let ih = (oh * g.stride_h + kh * g.dilation_h) as isize - g.pad_top as isize;
                        let iw = (ow * g.stride_w + kw * g.dilation_w) as isize - g.pad_left as isize;
                        if ih < 0 || iw < 0 || ih >= g.in_h as isize || iw >= g.in_w as isize {
                            continue;
                        }
                        for i in 0..group_in {
                            for o in 0..g.out_c {
                                let channel = o / group_out * group_in + i;
                                let x =
                                    ((n * g.in_h + ih as usize) * g.in_w + iw as usize) * g.in_c + channel;
                                let w = ((kh * g.kw + kw) * group_in + i) * g.out_c + o;
                                let y = ((n * g.out_h + oh) * g.out_w + ow) * g.out_c + o;
                                visit(x, w, y);
                            }
                        }
                    }
                }
            }
        }
    }
}
