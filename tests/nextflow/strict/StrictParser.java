import java.io.File;
import java.util.List;
import nextflow.config.control.ConfigParser;
import nextflow.script.control.ScriptParser;
import org.codehaus.groovy.control.ErrorCollector;
import org.codehaus.groovy.control.SourceUnit;
import org.codehaus.groovy.control.messages.SyntaxErrorMessage;
import org.codehaus.groovy.control.messages.WarningMessage;

/** Reads scripts (.nf) and configurations (.config) with Nextflow's strict parser; prints every error and warning, exits 1 where there is one. */
public final class StrictParser {
    private static int found = 0;

    private StrictParser() {}

    public static void main(String[] names) {
        ScriptParser scripts = new ScriptParser();
        ConfigParser configs = new ConfigParser();
        for (String name : names) {
            File file = new File(name).getAbsoluteFile();
            if (name.endsWith(".config")) configs.parse(file);
            else scripts.parse(file);
        }
        scripts.analyze();
        configs.analyze();
        scripts.compiler().getSources().values().forEach(StrictParser::report);
        configs.compiler().getSources().values().forEach(StrictParser::report);
        System.out.println(names.length + " files, " + found + " errors and warnings");
        System.exit(found == 0 ? 0 : 1);
    }

    private static void report(SourceUnit source) {
        ErrorCollector collector = source.getErrorCollector();
        List<?> errors = collector.getErrors();
        if (errors != null) {
            for (Object message : errors) {
                if (message instanceof SyntaxErrorMessage) {
                    var cause = ((SyntaxErrorMessage) message).getCause();
                    print(source, cause.getStartLine(), "error", cause.getOriginalMessage());
                } else {
                    print(source, 0, "error", message.toString());
                }
            }
        }
        List<WarningMessage> warnings = collector.getWarnings();
        if (warnings != null) {
            for (WarningMessage warning : warnings) {
                int line = warning.getContext() == null ? 0 : warning.getContext().getStartLine();
                print(source, line, "warning", warning.getMessage());
            }
        }
    }

    private static void print(SourceUnit source, int line, String kind, String text) {
        found++;
        System.out.println(source.getName() + ":" + line + ": " + kind + ": " + text);
    }
}
