using BenchmarkDotNet.Running;
using Triptych.Benchmarks;
using Triptych.Benchmarks.Compare;

// `compare` prints ratios to other engines, `gemm` shares of the machine's peak, `decode` where a decoded token's time goes, `templates` chats rendered a second; anything else goes to BenchmarkDotNet (`--filter '*'`).
if (args is ["gemm", .. string[] rest])
    return GemmReport.Run(rest);
if (args is ["compare", .. string[] more])
    return CompareCommand.Run(more);
if (args is ["decode", .. string[] model])
    return DecodeReport.Run(model);
if (args is ["templates", .. string[] templates])
    return TemplatesReport.Run(templates);
BenchmarkSwitcher.FromAssembly(typeof(GemmReport).Assembly).Run(args);
return 0;
