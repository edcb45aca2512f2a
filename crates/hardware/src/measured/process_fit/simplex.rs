//! The downhill simplex of Nelder and Mead (Comput. J. 7, 308, 1965): minimises a function of a few variables without its
//! derivatives.

/// Minimum of `function` from `start`, with the first corners `step` away on each axis.
///
/// The search ends when the values at all corners agree within `tolerance`, after 100 evaluations per variable, or at the
/// first error of `function`.
pub(crate) fn minimise<E>(
    start: &[f64],
    step: f64,
    tolerance: f64,
    mut function: impl FnMut(&[f64]) -> Result<f64, E>,
) -> Result<Vec<f64>, E> {
    let n = start.len();
    let mut corners = Vec::with_capacity(n + 1);
    corners.push((function(start)?, start.to_vec()));
    for axis in 0..n {
        let mut corner = start.to_vec();
        corner[axis] += step;
        corners.push((function(&corner)?, corner));
    }
    let mut remaining = 100 * n;
    loop {
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        let (best, worst) = (corners[0].0, corners[n].0);
        if remaining == 0 || n == 0 || worst - best < tolerance {
            return Ok(corners.swap_remove(0).1);
        }
        let centre: Vec<f64> =
            (0..n).map(|axis| corners[..n].iter().map(|corner| corner.1[axis]).sum::<f64>() / n as f64).collect();
        let towards = |factor: f64, from: &[f64]| -> Vec<f64> {
            centre.iter().zip(from).map(|(c, w)| c + factor * (w - c)).collect()
        };
        let mut value_at = |at: Vec<f64>| -> Result<(f64, Vec<f64>), E> {
            remaining = remaining.saturating_sub(1);
            Ok((function(&at)?, at))
        };
        let reflected = value_at(towards(-1.0, &corners[n].1))?;
        if reflected.0 < best {
            let expanded = value_at(towards(-2.0, &corners[n].1))?;
            corners[n] = if expanded.0 < reflected.0 { expanded } else { reflected };
        } else if reflected.0 < corners[n - 1].0 {
            corners[n] = reflected;
        } else {
            if reflected.0 < worst {
                corners[n] = reflected;
            }
            let contracted = value_at(towards(0.5, &corners[n].1))?;
            if contracted.0 < corners[n].0 {
                corners[n] = contracted;
            } else {
                let best = corners[0].1.clone();
                for corner in &mut corners[1..] {
                    let halfway = corner.1.iter().zip(&best).map(|(a, b)| 0.5 * (a + b)).collect();
                    *corner = value_at(halfway)?;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_bottom_of_a_curved_valley() {
        let valley = |x: &[f64]| Ok::<_, ()>((1.0 - x[0]).powi(2) + 10.0 * (x[1] - x[0] * x[0]).powi(2));
        let at = minimise(&[-1.0, 1.0], 0.3, 1e-12, valley).unwrap();
        assert!((at[0] - 1.0).abs() < 1e-4 && (at[1] - 1.0).abs() < 1e-4, "{at:?}");
        assert!(minimise(&[], 1.0, 1.0, |_| Ok::<_, ()>(2.0)).unwrap().is_empty());
    }
}
