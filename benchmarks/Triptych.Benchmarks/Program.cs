using BenchmarkDotNet.Running;
using Triptych.Benchmarks;

// `gemm` prints shares of the machine's peak in seconds; anything else goes to BenchmarkDotNet (`--filter '*'`).
if (args is ["gemm", .. string[] rest])
    return GemmReport.Run(rest);
BenchmarkSwitcher.FromAssembly(typeof(GemmReport).Assembly).Run(args);
return 0;
