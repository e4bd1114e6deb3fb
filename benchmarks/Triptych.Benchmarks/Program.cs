using BenchmarkDotNet.Running;
using Triptych.Benchmarks;
using Triptych.Benchmarks.Compare;

// `compare` prints ratios to other engines, `gemm` prints shares of the machine's peak in seconds; anything else goes to BenchmarkDotNet (`--filter '*'`).
if (args is ["gemm", .. string[] rest])
    return GemmReport.Run(rest);
if (args is ["compare", .. string[] more])
    return CompareCommand.Run(more);
BenchmarkSwitcher.FromAssembly(typeof(GemmReport).Assembly).Run(args);
return 0;
